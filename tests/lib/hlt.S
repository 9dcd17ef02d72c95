/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A multiboot kernel that halts for ever with interrupts off: a guest that runs and costs nothing. */
        .text
        .align  4
        .long   0x1badb002              /* multiboot magic, flags, checksum */
        .long   0
        .long   -0x1badb002
        .globl  _start
_start: cli
halt:   hlt
        jmp     halt
