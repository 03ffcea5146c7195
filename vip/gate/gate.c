//go:build ignore

/* The gate: passes what concerns a virtual IP only while the lease lasts. What
 * the maps mean, who writes them and in which order is in DESIGN.md. Everything
 * that does not concern a virtual IP passes untouched; everything that does is
 * dropped unless judge() says PASSED, so maps of zeros are a gate that is shut. */
#include "kernel.h"

/* The length of the journal, a power of two. */
#define RECORDS 16384

/* An event about somebody else's claim is sent at most this often. */
#define EVENT_PAUSE 100000000ULL

enum direction { INGRESS, EGRESS };

/* Verdicts, and what else is counted in each direction. */
enum count { PASSED, SHUT, FLOOR, KILLED, CLAIM, STRANGER, DRAINED, FORWARDED, PARKED, COUNTS };

/* Kinds of records that are made here; the others are in journal.go. */
enum { KIND_KILL = 4 };

/* An IPv6 address, or an IPv4 address mapped into it (RFC 4291, 2.5.5.2). */
struct addr {
	__u32 word[4];
};

struct mac {
	__u8 byte[ETH_ALEN];
};

/* Written by the worker alone. */
struct lease {
	__u64 until; /* boot time at which the gate shuts */
	__u64 sent;  /* boot time at which the round was sent that allows it */
	__u64 term;
};

/* Raised by the supervisor; it never falls. */
struct floor {
	__u64 min_term;
};

/* Written here alone. */
struct killed {
	__u64 at;       /* boot time of the last claim by a peer */
	__u64 event_at; /* boot time of the last event about a stranger */
};

/* A planned switchover: the partner has the connections that this node has not.
 * Written by the worker alone. */
struct drain {
	__u64 until; /* boot time at which it is over; 0: none */
	__u64 since; /* boot time at which it was begun */
	__u64 role;
	struct mac partner;
	__u8 pad[2];
};

enum role { OLD_HOLDER = 1, NEW_HOLDER = 2 };

/* What the pins are: version of the layout, whose terms, which namespace. */
struct meta {
	__u64 layout;
	__u64 cluster;
	__u64 netns;
};

/* One of the journal's records; slot 0 holds the number of records made. */
struct record {
	__u64 seq; /* from 1 on; 0: being written */
	__u64 at;
	__u64 kind;
	__u64 term;
	__u64 sent;
	__u64 until;
	__u64 spare[2];
};

struct event {
	__u64 at;
	__u32 what; /* CLAIM or STRANGER */
	struct addr vip;
	struct mac mac;
	__u8 pad[6];
};

/* A new connection's first frame, kept until the new holder is open. With two VLAN
 * tags, IPv6 and all options that TCP has room for it takes 122 bytes. */
struct parked {
	__u64 at;
	__u32 ip, tcp; /* where the headers begin */
	__u32 len;
	__u8 frame[128];
	__u8 pad[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct addr);
	__type(value, __u32);
} vips SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct mac);
	__type(value, __u32);
} peers SEC(".maps");

#define PAGE(name, kind, n)                            \
	struct {                                       \
		__uint(type, BPF_MAP_TYPE_ARRAY);      \
		__uint(map_flags, BPF_F_MMAPABLE);     \
		__uint(max_entries, n);                \
		__type(key, __u32);                    \
		__type(value, struct kind);            \
	} name SEC(".maps")

PAGE(lease, lease, 1);
PAGE(floor, floor, 1);
PAGE(killed, killed, 1);
PAGE(drain, drain, 1);
PAGE(meta, meta, 1);
PAGE(journal, record, 1 + RECORDS);

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} parking SEC(".maps");

static __always_inline void count(enum direction dir, __u32 what)
{
	__u32 i = dir * COUNTS + what;
	__u64 *n = bpf_map_lookup_elem(&stats, &i);

	if (n)
		(*n)++;
}

/* load copies len bytes at off, and reports whether the frame has them. */
static __always_inline int load(struct __sk_buff *skb, __u32 off, void *to, __u32 len)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + off + len <= end) {
		__builtin_memcpy(to, data + off, len);
		return 1;
	}
	return bpf_skb_load_bytes(skb, off, to, len) == 0;
}

static __always_inline struct addr mapped(__u32 v4)
{
	struct addr a = { { 0, 0, be32(0xffff), v4 } };

	return a;
}

static __always_inline int is_vip(const struct addr *a)
{
	return bpf_map_lookup_elem(&vips, a) != NULL;
}

/* judge says whether the lease lasts. The clock is read last: a program that was
 * held up on its way decides by the time at which it decides. */
static __always_inline enum count judge(void)
{
	__u32 zero = 0;
	struct lease *l = bpf_map_lookup_elem(&lease, &zero);
	struct killed *k = bpf_map_lookup_elem(&killed, &zero);
	struct floor *f = bpf_map_lookup_elem(&floor, &zero);
	__u64 until, sent, term, kill, min_term;

	if (!l || !k || !f)
		return SHUT;
	until = READ_ONCE(l->until);
	sent = READ_ONCE(l->sent);
	term = READ_ONCE(l->term);
	kill = READ_ONCE(k->at);
	min_term = READ_ONCE(f->min_term);
	if (bpf_ktime_get_boot_ns() >= until)
		return SHUT;
	if (term < min_term)
		return FLOOR;
	return kill < sent ? PASSED : KILLED;
}

/* drain.h looks at connections, while a switchover drains them. */
#include "drain.h"

static __always_inline int decide(enum direction dir)
{
	enum count v = judge();

	count(dir, v);
	return v == PASSED ? TCX_NEXT : TCX_DROP;
}

/* decide_ip is about a packet of a virtual IP, whose header is at off. */
static __always_inline int decide_ip(struct __sk_buff *skb, __u32 off, enum direction dir)
{
	enum count v = judge();
	int drained = drain_verdict(skb, off, dir, v == PASSED);

	if (drained != UNDECIDED)
		return drained;
	count(dir, v);
	return v == PASSED ? TCX_NEXT : TCX_DROP;
}

/* note_kill writes into the journal that the lease is about to be killed. The
 * exchanges are full barriers: a reader that sees seq sees the record. */
static __always_inline void note_kill(__u64 now, const struct lease *l)
{
	__u32 i = 0;
	struct record *r = bpf_map_lookup_elem(&journal, &i);
	__u64 n;

	if (!r)
		return;
	n = __sync_fetch_and_add(&r->seq, 1);
	i = 1 + (n & (RECORDS - 1));
	r = bpf_map_lookup_elem(&journal, &i);
	if (!r)
		return;
	__sync_lock_test_and_set(&r->seq, 0);
	r->at = now;
	r->kind = KIND_KILL;
	r->term = l->term;
	r->sent = l->sent;
	r->until = l->until;
	__sync_lock_test_and_set(&r->seq, n + 1);
}

/* A function of its own, since that puts the type where bpf2go finds it. */
static __noinline long tell(struct event *e)
{
	return bpf_ringbuf_output(&events, e, sizeof(*e), 0);
}

/* claimed handles a frame whose sender says that vip is at its hardware address.
 * A peer shuts the gate, in this very frame; anybody else is only reported, since
 * it must not be in the power of every neighbour to shut it. */
static __noinline int claimed(struct __sk_buff *skb, struct addr *vip)
{
	struct event e = {};
	__u32 zero = 0;
	struct lease *l = bpf_map_lookup_elem(&lease, &zero);
	struct killed *k = bpf_map_lookup_elem(&killed, &zero);
	int open = judge() == PASSED;

	if (!vip || !l || !k || !load(skb, ETH_ALEN, &e.mac, sizeof(e.mac)))
		return 0;
	e.vip = *vip;
	e.at = bpf_ktime_get_boot_ns();
	e.what = bpf_map_lookup_elem(&peers, &e.mac) ? CLAIM : STRANGER;
	count(INGRESS, e.what);
	if (e.what == CLAIM) {
		if (open)
			note_kill(e.at, l);
		if (READ_ONCE(k->at) < e.at)
			WRITE_ONCE(k->at, e.at);
	} else {
		if (e.at - READ_ONCE(k->event_at) < EVENT_PAUSE)
			return 0;
		WRITE_ONCE(k->event_at, e.at);
	}
	/* A gate that was shut already has nothing to tell: these are the
	 * announcements of the holder. */
	if (open)
		tell(&e);
	return 0;
}

/* RFC 826 for Ethernet and IPv4, from the sender's protocol address on. */
struct arp_tail {
	__u32 spa;
	__u8 tha[ETH_ALEN];
	__u32 tpa;
} __attribute__((packed));

static __always_inline int arp(struct __sk_buff *skb, __u32 off, enum direction dir)
{
	struct arp_tail tail;
	struct addr a;

	if (!load(skb, off + 14, &tail, sizeof(tail)))
		return TCX_NEXT;
	a = mapped(tail.spa);
	if (is_vip(&a)) {
		if (dir == EGRESS)
			return decide(dir);
		/* The sender tells, it does not ask: let our caches learn it. */
		claimed(skb, &a);
		return TCX_NEXT;
	}
	if (dir == EGRESS)
		return TCX_NEXT;
	a = mapped(tail.tpa);
	return is_vip(&a) ? decide(dir) : TCX_NEXT;
}

static __always_inline int ipv4(struct __sk_buff *skb, __u32 off, enum direction dir)
{
	struct addr a;
	__u32 v4;

	if (!load(skb, off + (dir == INGRESS ? 16 : 12), &v4, sizeof(v4)))
		return TCX_NEXT;
	a = mapped(v4);
	return is_vip(&a) ? decide_ip(skb, off, dir) : TCX_NEXT;
}

enum { ND_SOLICIT = 135, ND_ADVERT = 136 };

/* nd_target reads the target address of a neighbour solicitation or
 * advertisement (RFC 4861, 4.3 and 4.4) and returns its type, 0 for all else.
 * What the kernel answers to one behind extension headers is stopped at egress. */
static __always_inline int nd_target(struct __sk_buff *skb, __u32 off, struct addr *target)
{
	__u8 next, type;

	if (!load(skb, off + 6, &next, 1) || next != IPPROTO_ICMPV6)
		return 0;
	if (!load(skb, off + IPV6_HLEN, &type, 1) || (type != ND_SOLICIT && type != ND_ADVERT))
		return 0;
	return load(skb, off + IPV6_HLEN + 8, target, sizeof(*target)) ? type : 0;
}

static __always_inline int ipv6_in(struct __sk_buff *skb, __u32 off)
{
	struct addr a, src;
	int type;

	if (!load(skb, off + 24, &a, sizeof(a)))
		return TCX_NEXT;
	if (is_vip(&a))
		return decide_ip(skb, off, INGRESS);
	type = nd_target(skb, off, &a);
	if (!type || !load(skb, off + 8, &src, sizeof(src)))
		return TCX_NEXT;
	if (type == ND_SOLICIT && is_vip(&src)) {
		claimed(skb, &src);
		return TCX_NEXT;
	}
	if (!is_vip(&a))
		return TCX_NEXT;
	if (type == ND_SOLICIT)
		return decide(INGRESS);
	claimed(skb, &a);
	return TCX_NEXT;
}

static __always_inline int ipv6_out(struct __sk_buff *skb, __u32 off)
{
	struct addr a;

	if (!load(skb, off + 8, &a, sizeof(a)))
		return TCX_NEXT;
	if (is_vip(&a))
		return decide_ip(skb, off, EGRESS);
	if (nd_target(skb, off, &a) == ND_ADVERT && is_vip(&a))
		return decide(EGRESS);
	return TCX_NEXT;
}

/* gate reads the type from the frame: skb->protocol is whatever the sender says
 * when that is an AF_PACKET socket. A VLAN tag in the metadata is not in the
 * frame; up to two in the frame are stepped over. */
static __always_inline int gate(struct __sk_buff *skb, enum direction dir)
{
	__u32 off = ETH_HLEN;
	__u16 type;

	if (!load(skb, off - 2, &type, sizeof(type)))
		return TCX_NEXT;
#pragma unroll
	for (int i = 0; i < 2; i++) {
		if (type != be16(ETH_P_8021Q) && type != be16(ETH_P_8021AD))
			break;
		off += VLAN_HLEN;
		if (!load(skb, off - 2, &type, sizeof(type)))
			return TCX_NEXT;
	}
	switch (type) {
	case be16(ETH_P_IP):
		return ipv4(skb, off, dir);
	case be16(ETH_P_IPV6):
		return dir == INGRESS ? ipv6_in(skb, off) : ipv6_out(skb, off);
	case be16(ETH_P_ARP):
		return arp(skb, off, dir);
	}
	return TCX_NEXT;
}

SEC("tcx/ingress")
int gate_ingress(struct __sk_buff *skb)
{
	return gate(skb, INGRESS);
}

SEC("tcx/egress")
int gate_egress(struct __sk_buff *skb)
{
	return gate(skb, EGRESS);
}

/* No helper in use asks for the GPL. */
char _license[] SEC("license") = "Dual MIT/GPL";
