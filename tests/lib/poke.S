/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A multiboot kernel that does what its command line says, and halts for ever. Of each word a byte,
 * word or long goes to a port, or a long to memory; all numbers are hexadecimal:
 *     bPORT=VALUE  wPORT=VALUE  lPORT=VALUE  mADDRESS=VALUE  bPORT=VALUE*TIMES
 * so that a test can move a guest's hardware without a driver for it. */
        .text
        .align  4
        .long   0x1badb002              /* multiboot magic, flags, checksum */
        .long   0
        .long   -0x1badb002

        .globl  _start
_start: cli
        cld
        mov     $0x80000, %esp
        mov     16(%ebx), %esi          /* the command line, which begins with the kernel's name */
name:   lodsb
        test    %al, %al
        jz      halt
        cmp     $' ', %al
        jne     name

word:   lodsb
        cmp     $' ', %al
        je      word
        test    %al, %al
        jz      halt
        movzx   %al, %edi               /* what to do */
        call    number
        mov     %ebx, %edx              /* where */
        call    number
        mov     %ebx, %ebp              /* the value */
        mov     $1, %ebx
        cmp     $'*', %al
        jne     write
        call    number
write:  mov     %ebx, %ecx              /* how often */
        dec     %esi                    /* what ended the word may end the line */
again:  mov     %ebp, %eax
        cmp     $'b', %edi
        jne     1f
        outb    %al, %dx
1:      cmp     $'w', %edi
        jne     2f
        outw    %ax, %dx
2:      cmp     $'l', %edi
        jne     3f
        outl    %eax, %dx
3:      cmp     $'m', %edi
        jne     4f
        mov     %eax, (%edx)
4:      loop    again
        jmp     word

halt:   hlt
        jmp     halt

/* ebx: the number at esi; eax: the character behind it, which is skipped */
number: xor     %ebx, %ebx
1:      xor     %eax, %eax
        lodsb
        lea     -'0'(%eax), %ecx
        cmp     $10, %ecx
        jb      2f
        lea     10-'a'(%eax), %ecx
        cmp     $10, %ecx
        jb      3f
        cmp     $16, %ecx
        jae     3f
2:      shl     $4, %ebx
        or      %ecx, %ebx
        jmp     1b
3:      ret
