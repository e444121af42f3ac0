# write(1, text, size); exit(0)
        .globl  _start
_start: mov     $1, %eax
        mov     $1, %edi
        lea     text(%rip), %rsi
        mov     $(end - text), %edx
        syscall
        mov     $60, %eax
        xor     %edi, %edi
        syscall
text:   .incbin "/hello.txt"
end:
