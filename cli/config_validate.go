package cli

import (
	"context"
	"errors"

	"github.com/branchenv/branchenv/config"
)

// validation is the JSON document of `config validate`.
type validation struct {
	File     string          `json:"file"`
	Problems config.Problems `json:"problems"`
}

func (s *session) configValidate(context.Context) error {
	path, err := s.settingsPath()
	if err != nil {
		return err
	}
	file, err := config.Load(path)
	result := validation{File: path, Problems: config.Problems{}}
	var problems config.Problems
	if errors.As(err, &problems) {
		result.Problems = problems
	} else if err != nil {
		return err
	}
	if s.json {
		if printing := s.out.document(result); printing != nil {
			return printing
		}
	}
	if err == nil {
		s.warnSettings(file)
		s.say("%s is valid", path)
	}
	return err
}
