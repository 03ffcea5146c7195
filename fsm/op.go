package fsm

import (
	"errors"
	"fmt"

	"github.com/amphora-lb/amphora/fsm/fsmpb"
	"github.com/amphora-lb/amphora/internal/lbpb"
	"github.com/amphora-lb/amphora/lb"
)

// setOp encodes op into c.
func setOp(c *fsmpb.Command, op lb.Op) error {
	switch op := op.(type) {
	case lb.CreateSubnet:
		c.Op = &fsmpb.Command_CreateSubnet{CreateSubnet: &fsmpb.CreateSubnet{
			Spec: lbpb.FromSubnetSpec(op.Spec),
		}}
	case lb.UpdateSubnet:
		c.Op = &fsmpb.Command_UpdateSubnet{UpdateSubnet: &fsmpb.UpdateSubnet{
			Id: string(op.ID), Spec: lbpb.FromSubnetSpec(op.Spec),
		}}
	case lb.DeleteSubnet:
		c.Op = &fsmpb.Command_DeleteSubnet{DeleteSubnet: &fsmpb.DeleteSubnet{
			Id: string(op.ID),
		}}
	case lb.CreateLoadBalancer:
		c.Op = &fsmpb.Command_CreateLoadBalancer{CreateLoadBalancer: &fsmpb.CreateLoadBalancer{
			Spec: lbpb.FromLoadBalancerSpec(op.Spec),
		}}
	case lb.UpdateLoadBalancer:
		c.Op = &fsmpb.Command_UpdateLoadBalancer{UpdateLoadBalancer: &fsmpb.UpdateLoadBalancer{
			Id: string(op.ID), Spec: lbpb.FromLoadBalancerSpec(op.Spec),
		}}
	case lb.DeleteLoadBalancer:
		c.Op = &fsmpb.Command_DeleteLoadBalancer{DeleteLoadBalancer: &fsmpb.DeleteLoadBalancer{
			Id: string(op.ID), Cascade: op.Cascade,
		}}
	case lb.CreateListener:
		c.Op = &fsmpb.Command_CreateListener{CreateListener: &fsmpb.CreateListener{
			Spec: lbpb.FromListenerSpec(op.Spec),
		}}
	case lb.UpdateListener:
		c.Op = &fsmpb.Command_UpdateListener{UpdateListener: &fsmpb.UpdateListener{
			Id: string(op.ID), Spec: lbpb.FromListenerSpec(op.Spec),
		}}
	case lb.DeleteListener:
		c.Op = &fsmpb.Command_DeleteListener{DeleteListener: &fsmpb.DeleteListener{
			Id: string(op.ID),
		}}
	case lb.CreatePool:
		c.Op = &fsmpb.Command_CreatePool{CreatePool: &fsmpb.CreatePool{
			Spec: lbpb.FromPoolSpec(op.Spec),
		}}
	case lb.UpdatePool:
		c.Op = &fsmpb.Command_UpdatePool{UpdatePool: &fsmpb.UpdatePool{
			Id: string(op.ID), Spec: lbpb.FromPoolSpec(op.Spec),
		}}
	case lb.DeletePool:
		c.Op = &fsmpb.Command_DeletePool{DeletePool: &fsmpb.DeletePool{
			Id: string(op.ID),
		}}
	case lb.CreateMember:
		c.Op = &fsmpb.Command_CreateMember{CreateMember: &fsmpb.CreateMember{
			Spec: lbpb.FromMemberSpec(op.Spec),
		}}
	case lb.UpdateMember:
		c.Op = &fsmpb.Command_UpdateMember{UpdateMember: &fsmpb.UpdateMember{
			Id: string(op.ID), Spec: lbpb.FromMemberSpec(op.Spec),
		}}
	case lb.DeleteMember:
		c.Op = &fsmpb.Command_DeleteMember{DeleteMember: &fsmpb.DeleteMember{
			Id: string(op.ID),
		}}
	case lb.CreateHealthMonitor:
		c.Op = &fsmpb.Command_CreateHealthMonitor{CreateHealthMonitor: &fsmpb.CreateHealthMonitor{
			Spec: lbpb.FromHealthMonitorSpec(op.Spec),
		}}
	case lb.UpdateHealthMonitor:
		c.Op = &fsmpb.Command_UpdateHealthMonitor{UpdateHealthMonitor: &fsmpb.UpdateHealthMonitor{
			Id: string(op.ID), Spec: lbpb.FromHealthMonitorSpec(op.Spec),
		}}
	case lb.DeleteHealthMonitor:
		c.Op = &fsmpb.Command_DeleteHealthMonitor{DeleteHealthMonitor: &fsmpb.DeleteHealthMonitor{
			Id: string(op.ID),
		}}
	default:
		return fmt.Errorf("no encoding for %T", op)
	}
	return nil
}

// getOp decodes the operation of c.
func getOp(c *fsmpb.Command) (lb.Op, error) {
	switch op := c.GetOp().(type) {
	case *fsmpb.Command_CreateSubnet:
		spec, err := op.CreateSubnet.GetSpec().ToLB()
		return lb.CreateSubnet{Spec: spec}, err
	case *fsmpb.Command_UpdateSubnet:
		spec, err := op.UpdateSubnet.GetSpec().ToLB()
		return lb.UpdateSubnet{ID: lb.SubnetID(op.UpdateSubnet.GetId()), Spec: spec}, err
	case *fsmpb.Command_DeleteSubnet:
		return lb.DeleteSubnet{ID: lb.SubnetID(op.DeleteSubnet.GetId())}, nil
	case *fsmpb.Command_CreateLoadBalancer:
		spec, err := op.CreateLoadBalancer.GetSpec().ToLB()
		return lb.CreateLoadBalancer{Spec: spec}, err
	case *fsmpb.Command_UpdateLoadBalancer:
		spec, err := op.UpdateLoadBalancer.GetSpec().ToLB()
		return lb.UpdateLoadBalancer{ID: lb.LoadBalancerID(op.UpdateLoadBalancer.GetId()), Spec: spec}, err
	case *fsmpb.Command_DeleteLoadBalancer:
		return lb.DeleteLoadBalancer{ID: lb.LoadBalancerID(op.DeleteLoadBalancer.GetId()), Cascade: op.DeleteLoadBalancer.GetCascade()}, nil
	case *fsmpb.Command_CreateListener:
		spec, err := op.CreateListener.GetSpec().ToLB()
		return lb.CreateListener{Spec: spec}, err
	case *fsmpb.Command_UpdateListener:
		spec, err := op.UpdateListener.GetSpec().ToLB()
		return lb.UpdateListener{ID: lb.ListenerID(op.UpdateListener.GetId()), Spec: spec}, err
	case *fsmpb.Command_DeleteListener:
		return lb.DeleteListener{ID: lb.ListenerID(op.DeleteListener.GetId())}, nil
	case *fsmpb.Command_CreatePool:
		spec, err := op.CreatePool.GetSpec().ToLB()
		return lb.CreatePool{Spec: spec}, err
	case *fsmpb.Command_UpdatePool:
		spec, err := op.UpdatePool.GetSpec().ToLB()
		return lb.UpdatePool{ID: lb.PoolID(op.UpdatePool.GetId()), Spec: spec}, err
	case *fsmpb.Command_DeletePool:
		return lb.DeletePool{ID: lb.PoolID(op.DeletePool.GetId())}, nil
	case *fsmpb.Command_CreateMember:
		spec, err := op.CreateMember.GetSpec().ToLB()
		return lb.CreateMember{Spec: spec}, err
	case *fsmpb.Command_UpdateMember:
		spec, err := op.UpdateMember.GetSpec().ToLB()
		return lb.UpdateMember{ID: lb.MemberID(op.UpdateMember.GetId()), Spec: spec}, err
	case *fsmpb.Command_DeleteMember:
		return lb.DeleteMember{ID: lb.MemberID(op.DeleteMember.GetId())}, nil
	case *fsmpb.Command_CreateHealthMonitor:
		spec, err := op.CreateHealthMonitor.GetSpec().ToLB()
		return lb.CreateHealthMonitor{Spec: spec}, err
	case *fsmpb.Command_UpdateHealthMonitor:
		spec, err := op.UpdateHealthMonitor.GetSpec().ToLB()
		return lb.UpdateHealthMonitor{ID: lb.HealthMonitorID(op.UpdateHealthMonitor.GetId()), Spec: spec}, err
	case *fsmpb.Command_DeleteHealthMonitor:
		return lb.DeleteHealthMonitor{ID: lb.HealthMonitorID(op.DeleteHealthMonitor.GetId())}, nil
	default:
		return nil, errors.New("it has no operation")
	}
}
