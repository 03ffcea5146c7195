/* The few definitions of the kernel's BPF interface that gate.c needs. They are
 * part of the kernel's stable ABI (include/uapi/linux/bpf.h, if_ether.h,
 * pkt_cls.h). Written out here, so that the object depends on the compiler alone
 * and not on whose headers are installed. */
#ifndef AMPHORA_GATE_KERNEL_H
#define AMPHORA_GATE_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;

#define NULL ((void *)0)
#define SEC(name) __attribute__((section(name), used))
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define be16(x) __builtin_bswap16(x)
#define be32(x) __builtin_bswap32(x)
#else
#define be16(x) (x)
#define be32(x) (x)
#endif

/* struct __sk_buff as far as it is used; the verifier translates the offsets. */
struct __sk_buff {
	__u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present;
	__u32 vlan_tci, vlan_proto, priority, ingress_ifindex, ifindex;
	__u32 tc_index, cb[5], hash, tc_classid, data, data_end;
};

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_F_NO_PREALLOC = 1 << 0,
	BPF_F_MMAPABLE = 1 << 10,
};

/* struct bpf_sock up to the state. */
struct bpf_sock {
	__u32 bound_dev_if, family, type, protocol, mark, priority;
	__u32 src_ip4, src_ip6[4], src_port;
	__u32 dst_port, dst_ip4, dst_ip6[4], state;
};

/* skb->pkt_type of a frame to the address of the interface (linux/if_packet.h). */
enum { PACKET_HOST = 0 };

enum { BPF_F_CURRENT_NETNS = -1, BPF_TCP_LISTEN = 10 };

/* The same numbers as TC_ACT_UNSPEC and TC_ACT_SHOT, so that the programs serve
 * at tcx and at clsact alike. */
enum { TCX_NEXT = -1, TCX_DROP = 2 };

enum { ETH_ALEN = 6, ETH_HLEN = 14, VLAN_HLEN = 4, IPV6_HLEN = 40 };
enum {
	ETH_P_IP = 0x0800,
	ETH_P_ARP = 0x0806,
	ETH_P_8021Q = 0x8100,
	ETH_P_IPV6 = 0x86DD,
	ETH_P_8021AD = 0x88A8,
};
enum { IPPROTO_TCP = 6, IPPROTO_ICMPV6 = 58 };

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_skb_store_bytes)(void *skb, __u32 off, const void *from, __u32 len, __u64 flags) = (void *)9;
static long (*const bpf_redirect)(__u32 ifindex, __u64 flags) = (void *)23;
static long (*const bpf_skb_load_bytes)(const void *skb, __u32 off, void *to, __u32 len) = (void *)26;
static long (*const bpf_sk_release)(void *sock) = (void *)86;
static struct bpf_sock *(*const bpf_skc_lookup_tcp)(void *skb, void *tuple, __u32 size, __u64 netns, __u64 flags) = (void *)99;
static __u64 (*const bpf_ktime_get_boot_ns)(void) = (void *)125;
static long (*const bpf_ringbuf_output)(void *ring, void *data, __u64 size, __u64 flags) = (void *)130;

#endif
