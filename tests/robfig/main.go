// Answers questions about cron expressions with robfig/cron v3, the library that batch/v1 computes with.
//
// It reads one question in JSON on each line of its input and writes one answer in JSON on a line of its output. It
// asks the library as the CronJob controller of Kubernetes does: the text alone for whether it is accepted, and with
// `TZ=<zone> ` before it for the instants. It never corrects an answer.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/robfig/cron/v3"
)

// withSeconds reads what batch/v1 does not have: six fields, seconds first.
var withSeconds = cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// patience is how long one question may take: a thousand times what an honest search takes.
const patience = 2 * time.Second

type question struct {
	Expression string `json:"expression"`
	Seconds    bool   `json:"seconds"` // six fields
	Zone       string `json:"zone"`
	After      int64  `json:"after"` // UTC seconds since 1970
	Count      int    `json:"count"`
}

type answer struct {
	Instants []int64 `json:"instants"` // fewer than asked for when the library gives up
	Error    string  `json:"error"`    // empty when the expression is accepted
}

func main() {
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<24)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	encoder := json.NewEncoder(output)
	for input.Scan() {
		var asked question
		if err := json.Unmarshal(input.Bytes(), &asked); err != nil {
			fail(err)
		}
		replied := make(chan answer, 1)
		go func() { replied <- reply(asked) }()
		select {
		case given := <-replied:
			if err := encoder.Encode(given); err != nil {
				fail(err)
			}
		case <-time.After(patience): // the library is in a loop without an end; only the end of this process ends it
			return
		}
	}
	if err := input.Err(); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// reply turns a panic of the library, which some texts cause, into an answer.
func reply(asked question) (given answer) {
	defer func() {
		if caught := recover(); caught != nil {
			given = answer{Error: fmt.Sprintf("panic: %v", caught)}
		}
	}()
	parse := cron.ParseStandard
	if asked.Seconds {
		parse = withSeconds.Parse
	}
	schedule, err := parse(asked.Expression)
	if err == nil && asked.Zone != "" {
		schedule, err = parse("TZ=" + asked.Zone + " " + asked.Expression)
	}
	if err != nil {
		return answer{Error: err.Error()}
	}
	instant := time.Unix(asked.After, 0).UTC()
	for len(given.Instants) < asked.Count {
		instant = schedule.Next(instant)
		if instant.IsZero() {
			break
		}
		given.Instants = append(given.Instants, instant.Unix())
	}
	return given
}
