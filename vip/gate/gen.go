package gate

//go:generate go tool bpf2go -target bpfel,bpfeb -cflags "-O2 -ffreestanding -mcpu=v3 -Wall -Wextra -Werror" -type event -type parked gate gate.c
