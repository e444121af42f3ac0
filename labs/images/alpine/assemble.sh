#!/bin/sh
# Lay out a file system around the musl BusyBox, as Alpine does it: one program, a link for each tool.
set -eu
root=$1
mkdir -p "$root/bin" "$root/etc" "$root/home" "$root/lib" "$root/root" "$root/sbin" "$root/tmp" "$root/usr/bin" "$root/usr/sbin" \
    "$root/var/spool/mail"
chmod 0700 "$root/root"
chmod 1777 "$root/tmp"
cp /source/busybox "$root/bin/busybox"
for loader in /lib/ld-musl-*.so.1; do cp -L "$loader" "$root/lib/"; done
ln -s "$(ls /lib/ld-musl-*.so.1)" "$root/usr/bin/ldd"
/source/busybox --list-full | while read -r path; do
    [ "$path" = bin/busybox ] || ln -s /bin/busybox "$root/$path"
done

printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n' > "$root/etc/passwd"
printf 'root:x:0:root\nnogroup:x:65533:\nnobody:x:65534:\n' > "$root/etc/group"
printf 'root:*::0:::::\n' > "$root/etc/shadow"
chmod 0640 "$root/etc/shadow"
cat > "$root/etc/os-release" <<'RELEASE'
NAME="BusyBox and musl from Debian's sources"
ID=docker-tutor-musl
ID_LIKE=alpine
PRETTY_NAME="A stand-in for Alpine Linux: BusyBox and musl from Debian's sources"
RELEASE
