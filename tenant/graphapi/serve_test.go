package graphapi

import "testing"

func TestCalled(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{":8443": "localhost", "127.0.0.1:8443": "localhost", "0.0.0.0:8443": "localhost", "[::]:1": "localhost", "[::1]:1": "localhost",
		"127.0.0.2:1": "127.0.0.2", "10.1.2.3:1": "10.1.2.3", "tenant.example.com:1": "tenant.example.com", "[fd00::1]:1": "fd00::1"} {
		if got := called(address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}
