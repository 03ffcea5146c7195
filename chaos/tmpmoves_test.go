package chaos

import "testing"

func TestTmpMoves(t *testing.T) {
	c, ctx, vip := serving(t)
	s := &story{out: t.Output(), cluster: c, vip: vip, ctl: nodeNames[0]}
	for range 3 {
		v, err := s.moveAll(ctx)
		t.Log(v, err)
		if err != nil { t.Fatal(err) }
	}
	text, _ := c.Ctl(ctx, nodeNames[0], "cluster", "status")
	t.Log(text)
	t.Log(c.logs())
}
