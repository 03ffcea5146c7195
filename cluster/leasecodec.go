package cluster

import (
	"fmt"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
	"github.com/amphora-lb/amphora/cluster/peerpb"
	"google.golang.org/protobuf/proto"
)

// datagram is a message of the lease with what its carrier adds.
type datagram struct {
	to     lease.ID
	number uint64 // 0: sealed in advance
	lease.Message
}

func (d datagram) encode() ([]byte, error) {
	data, err := proto.Marshal(&peerpb.LeaseDatagram{
		To: string(d.to), Number: d.number,
		Kind: uint32(d.Kind), From: string(d.From), Boot: d.Boot, Term: d.Term, Seq: d.Seq, Sent: int64(d.Sent),
		Lease: int64(d.Lease), Acked: d.Acked, Echo: d.Echo, Open: d.Open, Solo: d.Solo, Epoch: d.Epoch,
		LogIndex: d.Log.Index, LogTerm: d.Log.Term, Reason: uint32(d.Reason), Age: int64(d.Age),
	})
	if err != nil {
		return nil, fmt.Errorf("encode lease message: %w", err)
	}
	return data, nil
}

func decodeDatagram(data []byte) (datagram, error) {
	var p peerpb.LeaseDatagram
	if err := proto.Unmarshal(data, &p); err != nil {
		return datagram{}, fmt.Errorf("decode lease message: %w", err)
	}
	if p.GetKind() > 0xff || p.GetReason() > 0xff || p.GetLease() < 0 || p.GetAge() < 0 {
		return datagram{}, fmt.Errorf("decode lease message: kind %d, reason %d, lease %d, age %d", p.GetKind(), p.GetReason(), p.GetLease(), p.GetAge())
	}
	return datagram{
		to: lease.ID(p.GetTo()), number: p.GetNumber(),
		Message: lease.Message{
			Kind: lease.Kind(p.GetKind()), From: lease.ID(p.GetFrom()), Boot: p.GetBoot(), Term: p.GetTerm(), Seq: p.GetSeq(),
			Sent: lease.Instant(p.GetSent()), Lease: time.Duration(p.GetLease()), Acked: p.GetAcked(), Echo: p.GetEcho(),
			Open: p.GetOpen(), Solo: p.GetSolo(), Epoch: p.GetEpoch(),
			Log:    lease.Position{Index: p.GetLogIndex(), Term: p.GetLogTerm()},
			Reason: lease.Reason(p.GetReason()), Age: time.Duration(p.GetAge()),
		},
	}, nil
}

// encodePromises makes the bytes that travel with a vote.
func encodePromises(list []lease.Promise) ([]byte, error) {
	p := &peerpb.Promises{Known: true}
	for _, l := range list {
		p.Promises = append(p.Promises, &peerpb.Promise{Holder: string(l.Holder), Term: l.Term, For: int64(l.For)})
	}
	data, err := proto.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode promises: %w", err)
	}
	return data, nil
}

// decodePromises reads what came with a vote. ok is false if it is no word on
// promises at all: the voter may have promised anything then.
func decodePromises(data []byte) (list []lease.Promise, ok bool) {
	var p peerpb.Promises
	if err := proto.Unmarshal(data, &p); err != nil || !p.GetKnown() {
		return nil, false
	}
	for _, l := range p.GetPromises() {
		list = append(list, lease.Promise{Holder: lease.ID(l.GetHolder()), Term: l.GetTerm(), For: time.Duration(l.GetFor())})
	}
	return list, true
}
