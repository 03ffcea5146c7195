package admin_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/amphora-lb/amphora/rpc/admin"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
	"github.com/amphora-lb/amphora/rpc/admin/admintest"
)

func TestListAndGet(t *testing.T) {
	target, stop, err := admintest.Serve(admin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	tutorial(t, dial(t, target))
	conn := raw(t, target)
	defer closed(t, conn)
	api := adminpb.NewObjectsClient(conn)
	for name, tt := range map[string]struct {
		req  *adminpb.ListRequest
		want int
		code codes.Code
	}{
		"all":              {req: &adminpb.ListRequest{Kind: "member"}, want: 2},
		"of a parent":      {req: &adminpb.ListRequest{Kind: "member", Parent: "p1"}, want: 2},
		"of an ancestor":   {req: &adminpb.ListRequest{Kind: "health monitor", Parent: "lb1"}, want: 1},
		"by name":          {req: &adminpb.ListRequest{Kind: "pool", Name: "p1"}, want: 1},
		"by another name":  {req: &adminpb.ListRequest{Kind: "pool", Name: "p2"}},
		"by id":            {req: &adminpb.ListRequest{Kind: "member", Id: ids.member2}, want: 1},
		"of a project":     {req: &adminpb.ListRequest{Kind: "pool", Project: "nobody"}},
		"no such kind":     {req: &adminpb.ListRequest{Kind: "thing"}, code: codes.InvalidArgument},
		"no such parent":   {req: &adminpb.ListRequest{Kind: "member", Parent: "p2"}, code: codes.NotFound},
		"no parents":       {req: &adminpb.ListRequest{Kind: "load balancer", Parent: "lb1"}, code: codes.InvalidArgument},
		"page of nonsense": {req: &adminpb.ListRequest{Kind: "member", PageToken: "x"}, code: codes.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := api.List(t.Context(), tt.req)
			if code := tt.code; status.Code(err) != code || len(got.GetItems()) != tt.want {
				t.Errorf("got %d items, %v, want %d and %v", len(got.GetItems()), err, tt.want, code)
			}
		})
	}
	for name, tt := range map[string]struct {
		req  *adminpb.GetRequest
		code codes.Code
	}{
		"by name":        {req: &adminpb.GetRequest{Kind: "pool", Ref: "p1"}},
		"by id":          {req: &adminpb.GetRequest{Kind: "pool", Ref: ids.pool}},
		"by alias":       {req: &adminpb.GetRequest{Kind: "member", Ref: "10.0.0.11:80", Parent: "p1"}},
		"nothing":        {req: &adminpb.GetRequest{Kind: "pool", Ref: "p2"}, code: codes.NotFound},
		"empty":          {req: &adminpb.GetRequest{Kind: "pool"}, code: codes.InvalidArgument},
		"no such kind":   {req: &adminpb.GetRequest{Kind: "thing", Ref: "p1"}, code: codes.InvalidArgument},
		"no such parent": {req: &adminpb.GetRequest{Kind: "member", Ref: ids.member1, Parent: "p2"}, code: codes.NotFound},
	} {
		t.Run("get "+name, func(t *testing.T) {
			got, err := api.Get(t.Context(), tt.req)
			if code := tt.code; status.Code(err) != code || (err == nil) != (got.GetObject() != nil) {
				t.Errorf("got %v, %v, want %v", got, err, code)
			}
		})
	}
}
