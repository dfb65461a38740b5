package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"carehome/internal/config"
	"carehome/internal/store"
)

// Version says what the program was made of.
type Version struct {
	Version string `json:"version"`
	// Commit is the revision of the source, with "+changes" if it was edited.
	Commit string `json:"commit"`
	Go     string `json:"go"`
	SQLite string `json:"sqlite"`
	Ent    string `json:"ent"`
	Gqlgen string `json:"gqlgen"`
}

func (p Program) version() Version {
	v := Version{Version: p.Version, Go: runtime.Version(), SQLite: store.SQLiteVersion()}
	build, ok := debug.ReadBuildInfo()
	if ok {
		v.Version = cmp.Or(v.Version, strings.Trim(build.Main.Version, "()"))
	}
	v.Version = cmp.Or(v.Version, "devel")
	if !ok {
		return v
	}
	for _, module := range build.Deps {
		switch module.Path {
		case "entgo.io/ent":
			v.Ent = module.Version
		case "github.com/99designs/gqlgen":
			v.Gqlgen = module.Version
		}
	}
	for _, setting := range build.Settings {
		switch {
		case setting.Key == "vcs.revision":
			v.Commit = setting.Value + v.Commit
		case setting.Key == "vcs.modified" && setting.Value == "true":
			v.Commit += "+changes"
		}
	}
	return v
}

func (p Program) printVersion(c config.VersionCommand) error {
	v := p.version()
	if c.JSON {
		return p.printJSON(v)
	}
	return p.print("carehome %s\ncommit   %s\ngo       %s\nsqlite   %s\nent      %s\ngqlgen   %s\n",
		v.Version, cmp.Or(v.Commit, "unknown"), v.Go, v.SQLite, v.Ent, v.Gqlgen)
}

// printJSON writes a result for programs.
func (p Program) printJSON(value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return p.print("%s\n", text)
}
