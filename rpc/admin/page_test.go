package admin

import (
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

func subnetsAt(seconds ...int64) (all []*lb.Subnet) {
	for i, s := range seconds {
		all = append(all, &lb.Subnet{ID: lb.SubnetID('a' + rune(i)), Meta: lb.Meta{Name: "n", CreatedAt: time.Unix(s, 0)}})
	}
	return all
}

func pageOf(t *testing.T, all iter.Seq[*lb.Subnet], size int32, token string) (ids, next string) {
	t.Helper()
	shown, next, err := page(&snapshot{}, subnets, all, &adminpb.ListSubnetsRequest{PageSize: size, PageToken: token})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shown {
		ids += s.Resource.Id
	}
	return ids, next
}

// What exists during the whole walk is seen once, whatever comes and goes.
func TestPagesSurviveChanges(t *testing.T) {
	all := subnetsAt(3, 1, 1, 2, 5) // in order: b c d a e
	first, next := pageOf(t, slices.Values(all), 2, "")
	if first != "bc" || next == "" {
		t.Fatalf("first page %q, next %q", first, next)
	}
	all = slices.Delete(all, 2, 3) // c, where the walk stands
	all = append(all, &lb.Subnet{ID: "0", Meta: lb.Meta{CreatedAt: time.Unix(1, 0)}}, &lb.Subnet{ID: "z", Meta: lb.Meta{CreatedAt: time.Unix(9, 0)}})
	if second, next := pageOf(t, slices.Values(all), 9, next); second != "daez" || next != "" {
		t.Errorf("second page %q, next %q; want daez and the end", second, next)
	}
}

// Resources of one second are shown as they were created, those that were stored before
// resources were numbered first.
func TestPagesKeepTheOrderOfCreation(t *testing.T) {
	all := subnetsAt(1, 1, 1, 1, 0)
	all[0].Serial, all[1].Serial, all[4].Serial = 2, 1, 9
	first, next := pageOf(t, slices.Values(all), 3, "")
	if second, _ := pageOf(t, slices.Values(all), 3, next); first+" "+second != "ecd ba" {
		t.Errorf("pages %s %s, want ecd ba", first, second)
	}
}

func TestPageEndsExactly(t *testing.T) {
	if got, next := pageOf(t, slices.Values(subnetsAt(1, 2)), 2, ""); got != "ab" || next != "" {
		t.Errorf("got %q, next %q; want no empty page after a full last one", got, next)
	}
}

func TestPageOfLargeResourcesIsShort(t *testing.T) {
	all := subnetsAt(1, 2, 3, 4)
	for _, s := range all {
		s.Tags = slices.Repeat([]string{strings.Repeat("x", 250)}, 3000)
	}
	got, next := pageOf(t, slices.Values(all), 4, "")
	if got != "ab" || next == "" {
		t.Errorf("got %q, next %q; want to stop after a megabyte", got, next)
	}
}

func TestBadPages(t *testing.T) {
	for _, tt := range []struct {
		req  *adminpb.ListSubnetsRequest
		want string
	}{
		{&adminpb.ListSubnetsRequest{PageSize: -1}, "subnet: page_size: -1 is out of range, use 1 to 1000, or 0 for 100"},
		{&adminpb.ListSubnetsRequest{PageSize: 1001}, "subnet: page_size: 1001 is out of range, use 1 to 1000, or 0 for 100"},
		{&adminpb.ListSubnetsRequest{PageToken: "%"}, "subnet: page_token: use the next_page_token of the page before"},
		{&adminpb.ListSubnetsRequest{PageToken: "YQ"}, "subnet: page_token: use the next_page_token of the page before"},
	} {
		_, _, err := page(&snapshot{}, subnets, slices.Values(subnetsAt(1)), tt.req)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%v: got %v, want %s", tt.req, err, tt.want)
		}
	}
}
