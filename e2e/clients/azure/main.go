// Command azure walks through the tenant's Graph door with HashiCorp's SDK, and prints what it saw as one JSON object. It
// is a test, in a module of its own, so that the product never links the SDK.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/go-azure-sdk/microsoft-graph/common-types/stable"
	"github.com/hashicorp/go-azure-sdk/microsoft-graph/groups/stable/group"
	"github.com/hashicorp/go-azure-sdk/microsoft-graph/groups/stable/member"
	"github.com/hashicorp/go-azure-sdk/microsoft-graph/users/stable/user"
	"github.com/hashicorp/go-azure-sdk/sdk/auth"
	"github.com/hashicorp/go-azure-sdk/sdk/environments"
	"github.com/hashicorp/go-azure-sdk/sdk/nullable"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	seen, err := walk(ctx)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(seen)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// saw is what the walk came upon.
type saw struct {
	Environment string   `json:"environment"`
	City        string   `json:"city"`
	Cleared     bool     `json:"cleared"`
	Users       int      `json:"users"`
	Members     []string `json:"members"`
	Left        int      `json:"left"`
	Missing     int      `json:"missing"`
}

type clients struct {
	users   *user.UserClient
	groups  *group.GroupClient
	members *member.MemberClient
}

func connect(ctx context.Context, env *environments.Environment) (*clients, error) {
	authorizer, err := auth.NewAuthorizerFromCredentials(ctx, auth.Credentials{Environment: *env, TenantID: os.Getenv("TENANT"), ClientID: os.Getenv("CLIENT"),
		ClientSecret: os.Getenv("SECRET"), EnableAuthenticatingUsingClientSecret: true}, env.MicrosoftGraph)
	if err != nil {
		return nil, err
	}
	c := &clients{}
	if c.users, err = user.NewUserClientWithBaseURI(env.MicrosoftGraph); err != nil {
		return nil, err
	}
	if c.groups, err = group.NewGroupClientWithBaseURI(env.MicrosoftGraph); err != nil {
		return nil, err
	}
	if c.members, err = member.NewMemberClientWithBaseURI(env.MicrosoftGraph); err != nil {
		return nil, err
	}
	c.users.Client.SetAuthorizer(authorizer)
	c.groups.Client.SetAuthorizer(authorizer)
	c.members.Client.SetAuthorizer(authorizer)
	return c, nil
}

func walk(ctx context.Context) (*saw, error) {
	env, err := environments.FromEndpoint(ctx, os.Getenv("URL"))
	if err != nil {
		return nil, err
	}
	c, err := connect(ctx, env)
	if err != nil {
		return nil, err
	}
	s := &saw{Environment: env.Name}
	var ids []string
	for n := range 3 {
		made, err := c.users.CreateUser(ctx, stable.User{AccountEnabled: nullable.Value(true), DisplayName: nullable.Value(fmt.Sprintf("Azure %d", n)),
			MailNickname: nullable.Value(fmt.Sprintf("azure%d", n)), UserPrincipalName: nullable.Value(fmt.Sprintf("azure%d@contoso.com", n)),
			PasswordProfile: &stable.PasswordProfile{Password: nullable.Value("xWwvJ]6NMw+bWH-d"), ForceChangePasswordNextSignIn: nullable.Value(false)}},
			user.DefaultCreateUserOperationOptions())
		if err != nil {
			return nil, fmt.Errorf("create a user: %w", err)
		}
		ids = append(ids, *made.Model.Id)
	}
	if err := c.change(ctx, ids[0], s); err != nil {
		return nil, err
	}
	top := int64(2)
	options := user.DefaultListUsersOperationOptions()
	options.Top = &top // so that there are pages
	all, err := c.users.ListUsersComplete(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	s.Users = len(all.Items)
	if err := c.group(ctx, ids, s); err != nil {
		return nil, err
	}
	missing, err := c.users.GetUser(ctx, stable.NewUserID("00000000-0000-0000-0000-00000000dead"), user.DefaultGetUserOperationOptions())
	if err == nil {
		return nil, fmt.Errorf("a user that is not there was found")
	}
	s.Missing = missing.HttpResponse.StatusCode
	return s, nil
}

// change sets a value and clears it again.
func (c *clients) change(ctx context.Context, id string, s *saw) error {
	read := user.DefaultGetUserOperationOptions()
	read.Select = &[]string{"id", "city"}
	if _, err := c.users.UpdateUser(ctx, stable.NewUserID(id), stable.User{City: nullable.Value("Lund")}, user.DefaultUpdateUserOperationOptions()); err != nil {
		return fmt.Errorf("update a user: %w", err)
	}
	got, err := c.users.GetUser(ctx, stable.NewUserID(id), read)
	if err != nil {
		return fmt.Errorf("get a user: %w", err)
	}
	s.City = got.Model.City.GetOrZero()
	if _, err := c.users.UpdateUser(ctx, stable.NewUserID(id), stable.User{City: nullable.NoZero("")}, user.DefaultUpdateUserOperationOptions()); err != nil {
		return fmt.Errorf("clear a value: %w", err)
	}
	if got, err = c.users.GetUser(ctx, stable.NewUserID(id), read); err != nil {
		return fmt.Errorf("get a user: %w", err)
	}
	s.Cleared = got.Model.City.GetOrZero() == ""
	return nil
}

// group makes a group with members, adds one and takes one away.
func (c *clients) group(ctx context.Context, ids []string, s *saw) error {
	at := func(id string) string { return "https://graph.microsoft.com/v1.0/directoryObjects/" + id }
	made, err := c.groups.CreateGroup(ctx, stable.Group{DisplayName: nullable.Value("Azure group"), MailEnabled: nullable.Value(false), MailNickname: nullable.Value("azuregroup"),
		SecurityEnabled: nullable.Value(true), Members_ODataBind: &[]string{at(ids[0])}}, group.DefaultCreateGroupOperationOptions())
	if err != nil {
		return fmt.Errorf("create a group: %w", err)
	}
	id := stable.NewGroupID(*made.Model.Id)
	ref := at(ids[1])
	if _, err := c.members.AddMemberRef(ctx, id, stable.ReferenceCreate{ODataId: &ref}, member.DefaultAddMemberRefOperationOptions()); err != nil {
		return fmt.Errorf("add a member: %w", err)
	}
	list, err := c.members.ListMembersComplete(ctx, id, member.DefaultListMembersOperationOptions())
	if err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	for _, m := range list.Items {
		if u, ok := m.(stable.User); ok {
			s.Members = append(s.Members, u.DisplayName.GetOrZero())
		}
	}
	if _, err := c.members.RemoveMemberRef(ctx, stable.NewGroupIdMemberID(*made.Model.Id, ids[0]), member.DefaultRemoveMemberRefOperationOptions()); err != nil {
		return fmt.Errorf("remove a member: %w", err)
	}
	if list, err = c.members.ListMembersComplete(ctx, id, member.DefaultListMembersOperationOptions()); err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	s.Left = len(list.Items)
	return nil
}
