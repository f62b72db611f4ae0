# Jobs of fio on /dev/vdb (raw), /dev/vdc (qcow2) and /dev/vdd (an overlay), past the guest's page cache.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
job() { # name class device, then fio's options: nanoseconds a request
    name=$1 class=$2 device=$3
    shift 3
    fio --name="$name" --filename="$device" --direct=1 --ioengine=libaio --size=256m --time_based --runtime=2 \
        --group_reporting --output-format=terse --terse-version=3 "$@" |
        awk -F';' -v name="$name" -v class="$class" '$1 == 3 { print "@bench", name, class, 1e9 / ($8 + $49) }'
}
for disk in raw:/dev/vdb qcow2:/dev/vdc overlay:/dev/vdd; do
    kind=${disk%:*} device=${disk#*:}
    job "$kind-randread" fio "$device" --rw=randread --bs=4k
    job "$kind-randwrite" fio "$device" --rw=randwrite --bs=4k
    job "$kind-randread-32" fio "$device" --rw=randread --bs=4k --iodepth=32
    job "$kind-randwrite-32" fio "$device" --rw=randwrite --bs=4k --iodepth=32
    job "$kind-read-1m" fio-1m "$device" --rw=read --bs=1m --iodepth=4
    job "$kind-write-1m" fio-1m "$device" --rw=write --bs=1m --iodepth=4
done
job raw-randrw-4-jobs fio /dev/vdb --rw=randrw --bs=4k --iodepth=8 --numjobs=4
