// write(1, text, size); exit(0)
        .globl  _start
_start: mov     x8, #64
        mov     x0, #1
        adr     x1, text
        mov     x2, #(end - text)
        svc     #0
        mov     x8, #93
        mov     x0, #0
        svc     #0
text:   .incbin "/hello.txt"
end:
