# Conversations on a guest's console, for scenarios in which who types has to read first.
begin() { # FILE COMMAND...: starts it; what it prints goes into the file
    heard=$1 at=1
    shift
    rm -f /tmp/keys /tmp/ended
    mkfifo /tmp/keys
    ( "$@" </tmp/keys >"$heard"; status=$?; : >/tmp/ended; exit $status ) &
    program=$!
    exec 3>/tmp/keys
}
hear() { # TEXT: waits for it, behind all that was there when the last one was heard
    until tail -c +$at "$heard" | grep -q -F -e "$1"; do
        [ ! -f /tmp/ended ] || exit 1
        usleep 300000
    done
    at=$(($(wc -c <"$heard") + 1))
}
say() { # TEXT, as printf takes it
    printf "$1" >&3
}
end() { # the command's status
    exec 3>&-
    wait $program
}
