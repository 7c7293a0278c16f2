package twin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
)

// GivenToken is a token that was got elsewhere. It cannot be replaced.
func GivenToken(token string) func(context.Context, bool) (string, error) {
	return func(_ context.Context, anew bool) (string, error) {
		if anew {
			return "", &canopy.Error{Kind: canopy.Forbidden, Text: "the endpoint refuses the token; it may be too old",
				Next: "get a new one and begin again: what was fetched is kept"}
		}
		return token, nil
	}
}

// Credentials are those of a program.
type Credentials struct {
	// Authority is where it signs in, "https://login.microsoftonline.com".
	Authority, Tenant, Client, Secret string
	// Scope is what the token is for, "https://graph.microsoft.com/.default".
	Scope string
	// HTTP makes the request; nil is http.DefaultClient.
	HTTP *http.Client
	// Clock gives the time; nil is the system's.
	Clock func() time.Time
}

// early is how long before its end a token is replaced.
const early = 5 * time.Minute

// Token signs in when there is no token, or none that is young enough. It is for one caller at a time.
func (c Credentials) Token() func(context.Context, bool) (string, error) {
	now := c.Clock
	if now == nil {
		now = time.Now
	}
	token, until := "", time.Time{}
	return func(ctx context.Context, anew bool) (string, error) {
		if token != "" && !anew && now().Before(until.Add(-early)) {
			return token, nil
		}
		var life time.Duration
		var err error
		if token, life, err = c.signIn(ctx); err != nil {
			return "", err
		}
		until = now().Add(life)
		return token, nil
	}
}

func (c Credentials) signIn(ctx context.Context) (token string, life time.Duration, err error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.Client}, "client_secret": {c.Secret}, "scope": {c.Scope}}
	address := strings.TrimRight(c.Authority, "/") + "/" + url.PathEscape(c.Tenant) + "/oauth2/v2.0/token"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", 0, fmt.Errorf("sign in: %w", err)
	}
	defer resp.Body.Close()
	var answer struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
		Error   string `json:"error"`
		Text    string `json:"error_description"`
	}
	err = json.NewDecoder(http.MaxBytesReader(nil, resp.Body, 1<<20)).Decode(&answer)
	switch {
	case err == nil && answer.Token != "":
		return answer.Token, time.Duration(answer.Expires) * time.Second, nil
	case answer.Error != "":
		return "", 0, &canopy.Error{Kind: canopy.Forbidden, Code: answer.Error, Object: c.Authority, Text: answer.Text, Next: "check the tenant, the client's id and its secret"}
	}
	return "", 0, fmt.Errorf("sign in: the answer %d of %s is no token", resp.StatusCode, address)
}
