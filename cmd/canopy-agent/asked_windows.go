package main

import (
	"context"
	"fmt"

	"golang.org/x/sys/windows/svc"
)

// asked runs do as a service when Windows started it as one.
func asked(ctx context.Context, do func(context.Context) error) error {
	is, err := svc.IsWindowsService()
	if err != nil {
		return fmt.Errorf("ask how it was started: %w", err)
	}
	if !is {
		return do(ctx)
	}
	h := &handler{ctx: ctx, do: do}
	if err := svc.Run("canopy-agent", h); err != nil {
		return fmt.Errorf("run as a service: %w", err)
	}
	return h.err
}

// handler is what Windows asks.
type handler struct {
	ctx context.Context
	do  func(context.Context) error
	err error
}

// Execute runs until Windows says stop.
func (h *handler) Execute(_ []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (bool, uint32) {
	ctx, cancel := context.WithCancel(h.ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- h.do(ctx) }()
	const accepts = svc.AcceptStop | svc.AcceptShutdown
	status <- svc.Status{State: svc.Running, Accepts: accepts}
	for {
		select {
		case h.err = <-ended:
			code := uint32(0)
			if h.err != nil {
				code = exitFailed
			}
			return false, code
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
				status <- r.CurrentStatus
			case svc.Stop, svc.Shutdown:
				status <- svc.Status{State: svc.StopPending}
				cancel()
			}
		}
	}
}
