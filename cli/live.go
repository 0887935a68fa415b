package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/text"
)

// live shows progress at a terminal. Finished operations are lines that stay. Below them are moving lines, drawn several times a second:
// one for the command and one for each resource or bucket that is being changed.
type live struct {
	err    *printer
	words  eventWords
	before io.Writer // what err wrote to
	screen *mpb.Progress
	start  time.Time

	mu    sync.Mutex
	step  string
	ended int // number of operations that ended
	lines map[string]*liveLine
	bars  map[string]*mpb.Bar
}

// liveLine is one moving line.
type liveLine struct {
	text  string
	since time.Time
}

// commandKey is the key of the command's own line. No resource has it.
const commandKey = ""

func newLive(err *printer, start time.Time, render func(fault.Text) string, options ...mpb.ContainerOption) *live {
	l := &live{
		err: err, words: eventWords{render: render}, start: start, step: "starting",
		lines: map[string]*liveLine{}, bars: map[string]*mpb.Bar{},
	}
	l.screen = mpb.New(append([]mpb.ContainerOption{mpb.WithOutput(err.to)}, options...)...)
	l.before = err.redirect(l.screen)
	l.bars[commandKey] = l.add(func() string {
		return fmt.Sprintf("%6s  %s; %d done", text.Elapsed(time.Since(l.start)), l.step, l.ended)
	})
	return l
}

// add adds a moving line below the others. It calls line each time the line is drawn.
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
		l.step = l.words.of(e)
		l.mu.Unlock()
	case operation.ResourceStart:
		if changesAWS(e) {
			l.set(key, fmt.Sprintf("%s %s %s", verbs[e.Op].ongoing, aws.TypeOf(e.Type).Noun, e.Name), e.Time)
		}
	case operation.Emptying:
		l.set(e.Bucket, l.words.of(e), e.Time)
	case operation.ResourceDone:
		if changesAWS(e) {
			l.remove(key)
			l.print(e)
		}
	case operation.ResourceFailed:
		l.remove(key)
		l.print(e)
	default:
		l.print(e)
	}
}

// set adds or changes the moving line with this key.
func (l *live) set(key, words string, since time.Time) {
	l.mu.Lock()
	line, ok := l.lines[key]
	if ok {
		line.text = words
	} else {
		line = &liveLine{text: words, since: since}
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

// print prints a line that stays, above the moving ones.
func (l *live) print(e operation.Event) {
	l.err.linef("%6s  %s", text.Elapsed(e.Time.Sub(l.start)), l.words.of(e))
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
