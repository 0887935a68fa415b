package api

import (
	"github.com/branchenv/branchenv/internal/sandbox/cloud"
)

func sts() service {
	return service{protocol: "query", namespace: "https://sts.amazonaws.com/doc/2011-06-15/", actions: map[string]action{
		"GetCallerIdentity": func(*call) (any, error) {
			return []node{leaf("Arn", "arn:aws:iam::"+cloud.Account+":user/sandbox"), leaf("UserId", "AIDASANDBOX"), leaf("Account", cloud.Account)}, nil
		},
	}}
}
