package graphapi

import "context"

func (s *Server) batch(ctx context.Context, who *caller, version string, req request) response {
	return s.refuse(req, noSegment("$batch"))
}
