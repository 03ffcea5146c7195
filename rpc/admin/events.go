package admin

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/amphora-lb/amphora/internal/event"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// eventsService serves the events of one node.
type eventsService struct {
	adminpb.UnimplementedEventsServer
	log      *event.Log
	stopping context.Context // ends when the server stops, so that watchers do not hold it up
}

// Watch implements adminpb.EventsServer.
func (s *eventsService) Watch(req *adminpb.WatchRequest, out grpc.ServerStreamingServer[adminpb.WatchResponse]) error {
	reader := s.log.Tail(uint64(req.Last))
	begun := req.Since == nil || req.Last == 0 // else some of the last may be too old
	if req.Since != nil && req.Last == 0 {
		reader = s.log.Since(req.Since.AsTime())
	}
	ctx, cancel := context.WithCancelCause(out.Context())
	defer cancel(nil)
	defer context.AfterFunc(s.stopping, func() { cancel(errStopping) })()
	for {
		e, missed, ok := reader.Try()
		if begun = begun || !ok || !e.At.Before(req.Since.AsTime()); !begun {
			continue
		}
		if !ok {
			if !req.Follow {
				return nil
			}
			var err error
			if e, missed, err = reader.Next(ctx); err != nil {
				return err
			}
		}
		if err := out.Send(&adminpb.WatchResponse{Event: fromEvent(e), Missed: missed}); err != nil {
			return err
		}
	}
}

var errStopping error = &lb.Error{Kind: lb.ErrUnavailable, Msg: "the node is stopping"}

func fromEvent(e event.Event) *adminpb.Event {
	return &adminpb.Event{
		Seq:      e.Seq,
		At:       timestamppb.New(e.At),
		Node:     e.Node,
		Kind:     string(e.Kind),
		Resource: e.Resource,
		Id:       e.ID,
		Name:     e.Name,
		Message:  e.Message,
	}
}

func toEvent(x *adminpb.WatchResponse) SeenEvent {
	e := x.GetEvent()
	return SeenEvent{Missed: x.Missed, Event: event.Event{
		Seq:      e.GetSeq(),
		At:       e.GetAt().AsTime(),
		Node:     e.GetNode(),
		Kind:     event.Kind(e.GetKind()),
		Resource: e.GetResource(),
		ID:       e.GetId(),
		Name:     e.GetName(),
		Message:  e.GetMessage(),
	}}
}
