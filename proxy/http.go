package proxy
func serveHTTP(x *session, s *server) {}
