package graphapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"
)

// shutdown is how long requests under way may still take when the server ends.
const shutdown = 5 * time.Second

// Listening is a server that takes connections.
type Listening struct {
	// URL is where it is, "https://localhost:8443".
	URL  string
	http *http.Server
	done chan error
}

// Listen makes a server take connections over TLS at an address like 127.0.0.1:8443, with a certificate of the local
// authority in dir for localhost, the address and hosts. It goes on until Close.
func Listen(ctx context.Context, s *Server, address, dir string, hosts []string) (*Listening, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String()) // the listener's own
	names := []string{"localhost", "127.0.0.1", "::1"}
	if host, _, err := net.SplitHostPort(address); err == nil && host != "" {
		hosts = append(hosts, host)
	}
	for _, h := range hosts {
		if !slices.Contains(names, h) {
			names = append(names, h)
		}
	}
	certificate, err := Certificate(dir, names, time.Now())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("serve the tenant: %w", err), listener.Close())
	}
	l := &Listening{URL: "https://" + net.JoinHostPort(called(address), port), done: make(chan error, 1)}
	l.http = &http.Server{Handler: s, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}}
	go func() { l.done <- l.http.ServeTLS(listener, "", "") }()
	return l, nil
}

// called is the name by which this machine reaches the address that is listened on.
func called(address string) string {
	host, _, _ := net.SplitHostPort(address) // it was listened on
	if ip := net.ParseIP(host); host == "" || ip != nil && (ip.IsUnspecified() || ip.Equal(net.IPv4(127, 0, 0, 1)) || ip.Equal(net.IPv6loopback)) {
		return "localhost"
	}
	return host
}

// Close lets requests under way end and stops taking others.
func (l *Listening) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdown)
	defer cancel()
	err := l.http.Shutdown(ctx)
	if served := <-l.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
