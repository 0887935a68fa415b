package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/text"
)

// live shows progress at a terminal: what is done as lines that stay, and below them one line for the command and one
// for each resource or bucket that is being worked on, drawn anew several times a second.
type live struct {
	err    *printer
	before io.Writer // where err wrote
	screen *mpb.Progress
	start  time.Time

	mu    sync.Mutex
	step  string
	ended int // operations that came to an end
	lines map[string]*liveLine
	bars  map[string]*mpb.Bar
}

// liveLine is what one moving line says.
type liveLine struct {
	text  string
	since time.Time
}

// commandLineKey is the key of the line about the command as a whole; no resource has it.
const commandLineKey = ""

func newLive(err *printer, start time.Time, options ...mpb.ContainerOption) *live {
	l := &live{
		err: err, start: start, step: "starting",
		lines: map[string]*liveLine{}, bars: map[string]*mpb.Bar{},
	}
	l.screen = mpb.New(append([]mpb.ContainerOption{mpb.WithOutput(err.to)}, options...)...)
	l.before = err.redirect(l.screen)
	l.bars[commandLineKey] = l.add(func() string {
		return fmt.Sprintf("%6s  %s; %d done", text.Elapsed(time.Since(l.start)), l.step, l.ended)
	})
	return l
}

// add makes a moving line below the others. line is called while it is drawn.
func (l *live) add(line func() string) *mpb.Bar {
	return l.screen.New(0, mpb.NopStyle(), mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
		l.mu.Lock()
		defer l.mu.Unlock()
		return text.Escape(line())
	})))
}

func (l *live) observe(e operation.Event) {
	key := e.Type + "\n" + e.Name
	switch e.Kind {
	case operation.Step:
		l.mu.Lock()
		l.step = describe(e)
		l.mu.Unlock()
	case operation.ResourceStart:
		if shown(e) {
			l.set(key, fmt.Sprintf("%s %s %s", verbs[e.Op].doing, aws.TypeOf(e.Type).Noun, e.Name), e.Time)
		}
	case operation.Emptying:
		l.set(e.Bucket, describe(e), e.Time)
	case operation.ResourceDone:
		if shown(e) {
			l.remove(key)
			l.remain(e)
		}
	case operation.ResourceFailed:
		l.remove(key)
		l.remain(e)
	default:
		l.remain(e)
	}
}

// set makes or changes the moving line of that key.
func (l *live) set(key, doing string, since time.Time) {
	l.mu.Lock()
	line, ok := l.lines[key]
	if ok {
		line.text = doing
	} else {
		line = &liveLine{text: doing, since: since}
		l.lines[key] = line
	}
	l.mu.Unlock()
	if !ok {
		bar := l.add(func() string {
			return fmt.Sprintf("%6s    %s", text.Elapsed(time.Since(line.since)), line.text)
		})
		l.mu.Lock()
		l.bars[key] = bar
		l.mu.Unlock()
	}
}

func (l *live) remove(key string) {
	l.mu.Lock()
	bar := l.bars[key]
	delete(l.bars, key)
	delete(l.lines, key)
	l.ended++
	l.mu.Unlock()
	if bar != nil {
		bar.Abort(true)
	}
}

// remain prints a line that stays, above the moving ones.
func (l *live) remain(e operation.Event) {
	l.err.linef("%6s  %s", text.Elapsed(e.Time.Sub(l.start)), describe(e))
}

func (l *live) close() {
	l.mu.Lock()
	bars := l.bars
	l.bars = map[string]*mpb.Bar{}
	l.mu.Unlock()
	for _, bar := range bars {
		bar.Abort(true)
	}
	l.screen.Wait()
	l.err.redirect(l.before)
}
