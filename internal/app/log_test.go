package app

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"carehome/internal/config"
	"carehome/internal/requestid"
)

func TestLogger(t *testing.T) {
	ctx := requestid.With(context.Background(), "r-9")
	for name, tc := range map[string]struct {
		config config.Log
		want   []string
		absent string
	}{
		"JSON":            {config.Log{LogFormat: "json", LogLevel: "info"}, []string{`"msg":"told"`, `"requestId":"r-9"`, `"part":"x"`}, "whispered"},
		"AutoIsJSON":      {config.Log{LogFormat: "auto", LogLevel: "info"}, []string{`"msg":"told"`}, "whispered"},
		"Text":            {config.Log{LogFormat: "text", LogLevel: "info"}, []string{"msg=told", "requestId=r-9", "part=x"}, "whispered"},
		"Debug":           {config.Log{LogFormat: "json", LogLevel: "debug"}, []string{`"msg":"whispered"`}, "shouted"},
		"ErrorOnly":       {config.Log{LogFormat: "json", LogLevel: "error"}, nil, "told"},
		"GroupKeepsTheID": {config.Log{LogFormat: "json", LogLevel: "info"}, []string{`"in":{"a":1,"requestId":"r-9"}`}, "whispered"},
	} {
		t.Run(name, func(t *testing.T) {
			out := new(lines)
			log := logger(out, tc.config).With("part", "x")
			log.DebugContext(ctx, "whispered")
			log.InfoContext(ctx, "told")
			log.WithGroup("in").InfoContext(ctx, "grouped", "a", 1)
			log.Info("no request")
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%s is not in\n%s", want, out)
				}
			}
			if strings.Contains(out.String(), tc.absent) {
				t.Errorf("%s is in\n%s", tc.absent, out)
			}
		})
	}
}

// TestProgressInLog: without a terminal a line tells now and then how far it is.
func TestProgressInLog(t *testing.T) {
	h, out := newHand(), new(lines)
	log := logger(out, config.Log{LogFormat: "json", LogLevel: "info"})
	p := Program{Stderr: out, Clock: h.clock}
	shown := p.progress(config.Progress{Progress: true}, log, "counting")
	for i := range 10 {
		shown.step(context.Background(), i+1, 10)
		h.forward(time.Second)
	}
	shown.end()
	found := toldAt(t, out)
	if len(found) != 3 || found[0] != 4 || found[1] != 7 || found[2] != 10 {
		t.Errorf("told at %v: %s", found, out)
	}

	silent := new(lines)
	quiet := p.progress(config.Progress{Progress: false}, logger(silent, config.Log{LogFormat: "json", LogLevel: "info"}), "counting")
	h.forward(time.Hour)
	quiet.step(context.Background(), 1, 10)
	quiet.end()
	if silent.String() != "" {
		t.Errorf("--no-progress says %s", silent)
	}
}

func toldAt(t *testing.T, out *lines) (done []int) {
	t.Helper()
	for line := range strings.Lines(out.String()) {
		var fields struct {
			Msg         string
			Done, Total int
		}
		if err := json.Unmarshal([]byte(line), &fields); err != nil || fields.Msg != "counting" || fields.Total != 10 {
			t.Fatalf("the line is %s (%v)", line, err)
		}
		done = append(done, fields.Done)
	}
	return done
}
