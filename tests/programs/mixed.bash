# Arithmetic, strings, arrays, patterns and functions, in one process.
crc=$((0xffffffff))
text=
for ((i = 0; i < 400; i++)); do
    ((x = (x * 1103515245 + 12345) & 0x7fffffff, digit = x >> 16 & 0xf))
    printf -v text '%s%x' "$text" "$digit"
    ((crc ^= digit))
    for k in 0 1 2 3; do ((crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0))); done
done
printf 'crc %08x %d\n' $crc ${#text}

declare -A seen
declare -a order
for ((i = 0; i < ${#text} - 1; i++)); do
    word=${text:i:2}
    [[ -v seen[$word] ]] || order+=("$word")
    ((seen[$word]++))
done
echo "words ${#order[@]} ${order[*]:0:6} ${seen[${order[3]}]}"

fib() { (($1 < 2)) && { result=$1; return; }; local a; fib $(($1 - 1)); a=$result; fib $(($1 - 2)); ((result += a)); }
fib 13
echo "fib $result"

sort_numbers() { # insertion sort of `numbers`
    local i j value
    for ((i = 1; i < ${#numbers[@]}; i++)); do
        value=${numbers[i]}
        for ((j = i; j > 0 && numbers[j - 1] > value; j--)); do numbers[j]=${numbers[j - 1]}; done
        numbers[j]=$value
    done
}
numbers=()
for ((i = 0; i < 120; i++)); do numbers+=($(((i * 7919 + 13) % 1009))); done
sort_numbers
echo "sorted ${numbers[*]:0:5} ${numbers[119]}"

line="The quick brown fox, 1234 times; jumped over 56 dogs."
[[ $line =~ ([0-9]+)\ times\;\ ([a-z]+) ]] && echo "match ${BASH_REMATCH[1]} ${BASH_REMATCH[2]^^}"
echo "cut ${line%%,*} | ${line##* } | ${line//[aeiou]/_}"
printf 'float %.3f %e %g\n' 3.14159265 -0.000271828 1e100
printf 'wide %d %x %o\n' $((1 << 62)) $((-1)) $((0777777777777))
echo "div $((-7 / 2)) $((-7 % 2)) $((9223372036854775807 / 1000003)) $((2 ** 40 + 3)) $((36#zz))"
