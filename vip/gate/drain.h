/* Part of gate.c: what happens to TCP while a planned switchover drains the old
 * holder. Both nodes know which connections are theirs: the kernel has a socket for
 * them. What belongs to the partner is sent on to it, once: what comes from the
 * partner never goes back. The old holder sends on every new connection too, once the
 * partner has claimed an address: until then that is not open, and would drop it. */
#ifndef AMPHORA_GATE_DRAIN_H
#define AMPHORA_GATE_DRAIN_H

enum { UNDECIDED = -2 };
enum { TCP_SYN = 1 << 1, TCP_RST = 1 << 2, TCP_ACK = 1 << 4 };

/* struct bpf_sock_tuple: as it comes in, from the client to us. */
struct tuple4 {
	__u32 saddr, daddr;
	__u32 ports;
};

struct tuple6 {
	struct addr saddr, daddr;
	__u32 ports;
};

/* tcp_at is where the TCP header of a frame begins, 0 if it has none: that of a later
 * fragment is elsewhere. IPv6 extension headers are not looked through. */
static __always_inline __u32 tcp_at(struct __sk_buff *skb, __u32 off, __u8 *version)
{
	__u8 first, proto;
	__u16 fragment;

	if (!load(skb, off, &first, 1))
		return 0;
	*version = first >> 4;
	if (*version == 6)
		return load(skb, off + 6, &proto, 1) && proto == IPPROTO_TCP ? off + IPV6_HLEN : 0;
	if (*version != 4 || !load(skb, off + 9, &proto, 1) || proto != IPPROTO_TCP)
		return 0;
	if (!load(skb, off + 6, &fragment, 2) || fragment & be16(0x1fff))
		return 0;
	return off + (first & 15) * 4;
}

/* is_ours reports whether the kernel has a socket for the connection of a frame that
 * comes in. A listener is none. */
static __always_inline int is_ours(struct __sk_buff *skb, __u32 off, __u32 tcp, __u8 version)
{
	struct tuple4 t4;
	struct tuple6 t6;
	struct bpf_sock *sk;
	int ours;

	if (version == 4) {
		if (!load(skb, off + 12, &t4, 8) || !load(skb, tcp, &t4.ports, 4))
			return 1;
		sk = bpf_skc_lookup_tcp(skb, &t4, sizeof(t4), BPF_F_CURRENT_NETNS, 0);
	} else {
		if (!load(skb, off + 8, &t6, 32) || !load(skb, tcp, &t6.ports, 4))
			return 1;
		sk = bpf_skc_lookup_tcp(skb, &t6, sizeof(t6), BPF_F_CURRENT_NETNS, 0);
	}
	if (!sk)
		return 0;
	ours = sk->state != BPF_TCP_LISTEN;
	bpf_sk_release(sk);
	return ours;
}

static __always_inline int same_mac(const struct mac *a, const struct mac *b)
{
	int differ = 0;

#pragma unroll
	for (int i = 0; i < ETH_ALEN; i++)
		differ |= a->byte[i] ^ b->byte[i];
	return !differ;
}

struct macs {
	struct mac dst, src;
};

/* forward sends a frame on to the partner, as one of ours. A frame to somebody else's
 * address comes in too while the interface is promiscuous: sent on, it would tell the
 * switch that we have that address. */
static __always_inline int forward(struct __sk_buff *skb, struct macs *m, const struct mac *partner)
{
	if (skb->pkt_type != PACKET_HOST)
		return UNDECIDED;
	m->src = m->dst;
	m->dst = *partner;
	if (bpf_skb_store_bytes(skb, 0, m, sizeof(*m), 0))
		return TCX_DROP;
	count(INGRESS, FORWARDED);
	return bpf_redirect(skb->ifindex, 0);
}

/* A function of its own for bpf2go, as tell. */
static __noinline long keep(struct parked *p)
{
	return bpf_ringbuf_output(&parking, p, sizeof(*p), 0);
}

/* park keeps a copy of a frame for the worker, which sends it on to the partner when
 * that has claimed an address, and reports whether it did. */
static __noinline int park(struct __sk_buff *skb, __u32 ip, __u32 tcp)
{
	struct parked p = { .ip = ip, .tcp = tcp };
	__u32 len = skb->len;

	if (len < ETH_HLEN || len > sizeof(p.frame))
		return 0;
	p.at = bpf_ktime_get_boot_ns();
	p.len = len;
	if (bpf_skb_load_bytes(skb, 0, p.frame, len) || keep(&p))
		return 0;
	count(INGRESS, PARKED);
	return 1;
}

/* claimed_since reports whether a peer has claimed an address since then. */
static __always_inline int claimed_since(__u64 then)
{
	__u32 zero = 0;
	struct killed *k = bpf_map_lookup_elem(&killed, &zero);

	return !k || READ_ONCE(k->at) > then;
}

static __noinline int drain_in(struct __sk_buff *skb, __u32 off, int open)
{
	__u32 zero = 0, tcp;
	struct drain *d = bpf_map_lookup_elem(&drain, &zero);
	struct macs m;
	__u8 flags, version = 0;
	int opens, returned;

	if (!d)
		return UNDECIDED;
	tcp = tcp_at(skb, off, &version);
	if (!tcp || !load(skb, tcp + 13, &flags, 1) || !load(skb, 0, &m, sizeof(m)))
		return UNDECIDED;
	opens = (flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
	returned = same_mac(&m.src, &d->partner);
	if (open) /* the new holder */
		return opens || returned || is_ours(skb, off, tcp, version) ? UNDECIDED : forward(skb, &m, &d->partner);
	if (opens && returned)
		return UNDECIDED;
	if (opens && skb->pkt_type == PACKET_HOST && !claimed_since(READ_ONCE(d->since)) && park(skb, off, tcp))
		return TCX_DROP;
	if (opens)
		return forward(skb, &m, &d->partner);
	/* What neither has is for our kernel to reset. */
	if (!returned && !is_ours(skb, off, tcp, version))
		return forward(skb, &m, &d->partner);
	count(INGRESS, DRAINED);
	return TCX_NEXT;
}

static __noinline int drain_out(struct __sk_buff *skb, __u32 off)
{
	__u8 flags, version = 0;
	__u32 tcp = tcp_at(skb, off, &version);

	if (!tcp || !load(skb, tcp + 13, &flags, 1) || (flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		return UNDECIDED;
	count(EGRESS, DRAINED);
	return TCX_NEXT;
}

/* drain_verdict decides about a frame of a virtual IP as far as it has to do with
 * draining. A node that should be the old holder and is open, or the other way
 * round, does not drain. */
static __always_inline int drain_verdict(struct __sk_buff *skb, __u32 off, enum direction dir, int open)
{
	__u32 zero = 0;
	struct drain *d = bpf_map_lookup_elem(&drain, &zero);
	__u64 until;

	if (!d)
		return UNDECIDED;
	until = READ_ONCE(d->until);
	if (!until || READ_ONCE(d->role) != (open ? NEW_HOLDER : OLD_HOLDER) || bpf_ktime_get_boot_ns() >= until)
		return UNDECIDED;
	if (dir == INGRESS)
		return drain_in(skb, off, open);
	return open ? UNDECIDED : drain_out(skb, off);
}

#endif
