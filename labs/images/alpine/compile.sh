#!/bin/sh
# Compile the unpacked BusyBox source in /source with musl-gcc, all default tools but those that need glibc or old headers.
set -eu
# musl-gcc looks for headers in musl's own folder only; the kernel's are the same for every C library.
machine=$(gcc -dumpmachine)
musl=/usr/include/$(uname -m)-linux-musl
for headers in linux asm-generic mtd; do ln -s "/usr/include/$headers" "$musl/$headers"; done
ln -s "/usr/include/$machine/asm" "$musl/asm"

cd /source
make -s defconfig
for option in TC SYSLOGD SHA1_HWACCEL SHA256_HWACCEL FEATURE_HAVE_RPC FEATURE_INETD_RPC NSENTER_RPC EXTRA_COMPAT; do
    sed -i "s/^CONFIG_$option=y/# CONFIG_$option is not set/" .config
done
yes '' | make -s oldconfig > /dev/null
make -s -j"$(nproc)" CC=musl-gcc HOSTCC=gcc SKIP_STRIP=n busybox
