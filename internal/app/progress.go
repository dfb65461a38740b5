package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/schollz/progressbar/v3"

	"carehome/internal/config"
)

// progressEvery is how often a line tells how far long work is.
const progressEvery = 3 * time.Second

// progress shows how far long work is: a bar for a person who watches, a line
// now and then in a log, nothing where it was turned off.
type progress struct {
	what  string
	bar   *progressbar.ProgressBar
	log   *slog.Logger
	clock func() time.Time
	next  time.Time
}

// progress begins to show work that is called what.
func (p Program) progress(c config.Progress, log *slog.Logger, what string) *progress {
	shown := &progress{what: what, log: log, clock: p.Clock, next: p.Clock().Add(progressEvery)}
	switch {
	case !c.Progress:
		shown.log = slog.New(slog.DiscardHandler)
	case isTerminal(p.Stderr):
		shown.bar = progressbar.NewOptions(1,
			progressbar.OptionSetWriter(p.Stderr),
			progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
	return shown
}

// step tells that done of total is done.
func (p *progress) step(ctx context.Context, done, total int) {
	if p.bar != nil {
		p.bar.ChangeMax(total)
		p.drawn(p.bar.Set(done))
		return
	}
	if now := p.clock(); !now.Before(p.next) {
		p.next = now.Add(progressEvery)
		p.log.InfoContext(ctx, p.what, "done", done, "total", total)
	}
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		p.drawn(p.bar.Finish())
	}
}

// drawn gives the bar up when it cannot be drawn: the work goes on.
func (p *progress) drawn(err error) {
	if err != nil {
		p.bar = nil
		p.log.Debug("the progress bar cannot be drawn", "error", err)
	}
}
