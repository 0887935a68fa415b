package cli

import (
	urfave "github.com/urfave/cli/v2"
)

func (s *session) applicationCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "application",
		Usage: "the stack that environments share: the Beanstalk applications, load balancer, certificate",
		Subcommands: []*urfave.Command{
			{Name: "up", Usage: "create or update the application stack", Action: withoutOptions(s.applicationUp)},
			{Name: "preview", Usage: "show what application up would change", Action: withoutOptions(s.applicationPreview)},
			{
				Name: "destroy", Usage: "remove the application stack; refused while environments exist",
				Flags: []urfave.Flag{yesFlag()}, Action: action(parseYes, s.applicationDestroy),
			},
		},
	}
}
