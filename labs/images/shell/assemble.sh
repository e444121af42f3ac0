#!/bin/sh
# Lay out a file system around busybox: the program, its libraries, one link for each tool, and the few files users expect.
set -eu
root=$1
mkdir -p "$root/bin" "$root/etc" "$root/home" "$root/root" "$root/tmp" "$root/usr/bin" "$root/usr/sbin" "$root/var/spool/mail" "$root/var/www"
chmod 0700 "$root/root"
chmod 1777 "$root/tmp"
chmod 1777 "$root/var/spool/mail"

program=$(command -v busybox)
cp "$program" "$root/bin/busybox"
# ldd prints "name => /path (address)" for libraries and "/path (address)" for the loader.
ldd "$program" | sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done

for tool in $("$program" --list); do
    [ "$tool" = busybox ] || ln "$root/bin/busybox" "$root/bin/$tool"
done
ln -s ../../bin/env "$root/usr/bin/env"

cat > "$root/etc/passwd" <<'PASSWD'
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
PASSWD
cat > "$root/etc/group" <<'GROUP'
root:x:0:
daemon:x:1:
bin:x:2:
mail:x:8:
www-data:x:33:
users:x:100:
nogroup:x:65534:
GROUP
printf 'root:*:::::::\n' > "$root/etc/shadow"
chmod 0600 "$root/etc/shadow"
printf 'hosts: files dns\n' > "$root/etc/nsswitch.conf"
