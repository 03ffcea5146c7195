package admin

import (
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// configService serves the replicated resources.
type configService struct {
	adminpb.UnimplementedConfigServer
	backend Backend
}
