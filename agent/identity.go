package agent

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/link"
)

// IdentityName is the file in the agent's directory with its key and its certificate, for its owner's eyes only.
const IdentityName = "identity.json"

// identity is who the agent is, and whom it belongs to.
type identity struct {
	Service     string               `json:"service"`
	Agent       string               `json:"agent"`
	Domains     []canopy.ConnectorID `json:"domains,omitempty"`
	Key         string               `json:"key"`         // PEM
	Certificate string               `json:"certificate"` // PEM
	Authority   string               `json:"authority"`   // PEM
}

func newIdentity(service string, made *link.Enrolled, key *ecdsa.PrivateKey) (*identity, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("keep the key: %w", err)
	}
	return &identity{Service: service, Agent: made.Agent, Domains: made.Domains, Certificate: string(made.Certificate), Authority: string(made.Authority),
		Key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))}, nil
}

// key is what the identity proves itself with.
func (i *identity) key() (*link.Key, error) {
	block, _ := pem.Decode([]byte(i.Key))
	if block == nil {
		return nil, errors.New("there is no key")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key is of another kind")
	}
	return &link.Key{Private: private, Certificate: []byte(i.Certificate), Authority: []byte(i.Authority)}, nil
}

// due tells when a certificate is to be renewed: when a third of its life is left.
func due(from, to time.Time) time.Time { return to.Add(-to.Sub(from) / 3) }

func loadIdentity(dir string) (*identity, error) {
	path := filepath.Join(dir, IdentityName)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &canopy.Error{Kind: canopy.NotFound, Code: "not-enrolled", Object: dir, Text: "this agent is not enrolled",
			Next: "on the service: canopy agent token; here: canopy-agent enrol --service https://HOST --token-file FILE"}
	}
	if err != nil {
		return nil, fmt.Errorf("read the agent's identity: %w", err)
	}
	var i identity
	err = json.Unmarshal(text, &i)
	if err == nil {
		_, err = i.key()
	}
	if err != nil {
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "identity", Object: path, Text: "the agent's identity cannot be used", Err: err,
			Next: "enrol again with a new token, and --again"}
	}
	return &i, nil
}

// save puts a whole file in its place: a machine that stops has the old one or the new one.
func (i *identity) save(dir string) (err error) {
	text, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return fmt.Errorf("keep the agent's identity: %w", err)
	}
	f, err := os.CreateTemp(dir, IdentityName+".") // with mode 0600
	if err != nil {
		return fmt.Errorf("keep the agent's identity: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, IdentityName))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep the agent's identity: %w", err), os.Remove(f.Name()))
	}
	return nil
}
