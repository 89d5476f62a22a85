package main

import (
	"context"
	"fmt"

	"github.com/souklive/souk/internal/obs"
)

func runVersion(_ context.Context, c *console, _ []string) error {
	build := obs.ReadBuild()
	commit := build.Commit
	if build.Modified {
		commit += " (modified)"
	}
	fmt.Fprintf(c.out, "souk %s\ncommit %s\n%s\n", build.Version, commit, build.Go)
	return nil
}
