package fsm

import (
	"errors"

	"github.com/amphora-lb/amphora/fsm/fsmpb"
	"github.com/amphora-lb/amphora/lb"
)

// getOp decodes the operation of c.
func getOp(c *fsmpb.Command) (lb.Op, error) {
	op, current := c.GetOp().(*fsmpb.Command_Operation)
	switch {
	case c.GetVersion() == 1:
		return getOpV1(c)
	case !current:
		return nil, errors.New("it has no operation")
	}
	return op.Operation.ToLB()
}

// getOpV1 decodes the operation of a command of version 1. It stays for the logs that
// have such commands.
func getOpV1(c *fsmpb.Command) (lb.Op, error) {
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
