// Command bundle makes internal/web/dist, the files of the playground, out of
// internal/web/ui and the node packages that npm has put beside it. It runs in
// the root of the repository:
//
//	npm --prefix internal/web/ui ci && go run ./internal/web/bundle
//
// The result is committed, so that building the server needs neither npm nor
// this program.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	if err := run("internal/web/ui", "internal/web/dist"); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

// run replaces the files in the folder dist by what is built from the folder ui.
func run(ui, dist string) error {
	files, err := build(ui)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dist); err != nil {
		return fmt.Errorf("removing the old files: %w", err)
	}
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	for name, content := range files {
		packed, err := pack(content)
		if err != nil {
			return fmt.Errorf("packing %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(dist, name+".gz"), packed, 0o644); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
	}
	return nil
}

// pack compresses content. The same content gives the same bytes: no time and
// no file name is kept in the header.
func pack(content []byte) ([]byte, error) {
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// build bundles the page and its workers and returns the files by name. A
// name carries the hash of the content, so that browsers may keep a file for
// good; licenses.txt holds the licences of all packages that went in.
func build(ui string) (map[string][]byte, error) {
	root, err := filepath.Abs(ui)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", ui, err)
	}
	if _, err := os.Stat(filepath.Join(root, "node_modules")); err != nil {
		return nil, fmt.Errorf("the node packages are missing, run `npm --prefix %s ci` first: %w", ui, err)
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir: root,
		EntryPointsAdvanced: []api.EntryPoint{
			{InputPath: "playground.jsx", OutputPath: "playground"},
			{InputPath: "monaco-editor/esm/vs/editor/editor.worker.js", OutputPath: "worker-editor"},
			{InputPath: "monaco-editor/esm/vs/language/json/json.worker.js", OutputPath: "worker-json"},
			{InputPath: "monaco-graphql/esm/graphql.worker.js", OutputPath: "worker-graphql"},
		},
		Outdir:     filepath.Join(root, "dist"), // only named, never written
		Bundle:     true,
		Splitting:  true, // the page and its workers share most of their code
		Format:     api.FormatESModule,
		Target:     api.ES2022,
		EntryNames: "[name]-[hash]",
		ChunkNames: "chunk-[hash]",
		AssetNames: "[name]-[hash]",
		Loader:     map[string]api.Loader{".ttf": api.LoaderFile, ".woff2": api.LoaderFile},
		JSX:        api.JSXAutomatic,
		// One copy of graphql-js: its types know each other by identity, and
		// the explorer, a CommonJS module, would otherwise bring its own.
		MainFields:        []string{"browser", "module", "main"},
		Define:            map[string]string{"process.env.NODE_ENV": `"production"`},
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		LegalComments:     api.LegalCommentsNone, // licenses.txt has the whole texts
		Metafile:          true,
		Plugins:           []api.Plugin{quietExplorer},
		LogLevel:          api.LogLevelWarning,
	})
	if len(result.Errors) > 0 {
		return nil, fmt.Errorf("bundling failed: %s", result.Errors[0].Text)
	}
	files := make(map[string][]byte, len(result.OutputFiles)+1)
	for _, f := range result.OutputFiles {
		name := filepath.Base(f.Path)
		if strings.HasPrefix(name, "chunk-") && strings.HasSuffix(name, ".css") {
			continue // a dynamic import's copy of what is in the page's own style sheet; nothing loads it
		}
		files[name] = f.Contents
	}
	if files["licenses.txt"], err = licenses(root, result.Metafile); err != nil {
		return nil, fmt.Errorf("collecting licences: %w", err)
	}
	return files, nil
}

// quietExplorer lowers the explorer's voice: it calls console.error for every
// argument that is a list of objects, which it cannot show. Queries with such
// arguments are right, and the console is for what is wrong.
var quietExplorer = api.Plugin{
	Name: "quiet-explorer",
	Setup: func(b api.PluginBuild) {
		b.OnLoad(api.OnLoadOptions{Filter: `/graphiql-explorer/dist/Explorer\.js$`}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			const loud, low = "console.error('arg mismatch ", "console.debug('arg mismatch "
			source, err := os.ReadFile(args.Path)
			if err != nil {
				return api.OnLoadResult{}, err
			}
			text := strings.ReplaceAll(string(source), loud, low)
			if text == string(source) {
				return api.OnLoadResult{}, errors.New("the explorer has changed: look whether it still needs quieting")
			}
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
		})
	},
}

// licenses returns the licence texts of every package that has a file in the
// bundle, in the order of their folders.
func licenses(root, metafile string) ([]byte, error) {
	var meta struct{ Inputs map[string]struct{} }
	if err := json.Unmarshal([]byte(metafile), &meta); err != nil {
		return nil, fmt.Errorf("reading the list of inputs: %w", err)
	}
	var packages []string
	for input := range meta.Inputs {
		if dir, ok := packageDir(input); ok {
			packages = append(packages, dir)
		}
	}
	slices.Sort(packages)
	var out bytes.Buffer
	for _, dir := range slices.Compact(packages) {
		if err := license(&out, os.DirFS(filepath.Join(root, dir))); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
	}
	return out.Bytes(), nil
}

// packageDir cuts an input's path down to the folder of its package:
// node_modules/@a/b/dist/x.js to node_modules/@a/b.
func packageDir(input string) (string, bool) {
	const modules = "node_modules/"
	start := strings.LastIndex(input, modules)
	if start < 0 {
		return "", false
	}
	start += len(modules)
	parts := strings.SplitN(input[start:], "/", 3)
	if strings.HasPrefix(parts[0], "@") {
		return input[:start] + parts[0] + "/" + parts[1], true
	}
	return input[:start] + parts[0], true
}

// license writes the name, version and licence of the package in dir. A
// package without a licence file is named with what its package.json states;
// one that states nothing is an error.
func license(out *bytes.Buffer, dir fs.FS) error {
	manifest, err := fs.ReadFile(dir, "package.json")
	if err != nil {
		return err
	}
	var pkg struct{ Name, Version, License string }
	if err := json.Unmarshal(manifest, &pkg); err != nil {
		return err
	}
	if pkg.License == "" {
		return errors.New("package.json states no licence")
	}
	fmt.Fprintf(out, "%s %s (%s)\n\n", pkg.Name, pkg.Version, pkg.License)
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !strings.HasPrefix(name, "LICENSE") && !strings.HasPrefix(name, "LICENCE") && !strings.HasPrefix(name, "THIRDPARTY") {
			continue
		}
		text, err := fs.ReadFile(dir, e.Name())
		if err != nil {
			return err
		}
		out.Write(bytes.TrimSpace(text))
		out.WriteString("\n\n")
	}
	out.WriteString(strings.Repeat("-", 72) + "\n\n")
	return nil
}
