// Command genqlient lists who lives in a home with their last wellness check; with
// an id and a mood from 1 to 5 it records one. Its types are made from
// operations.graphql: a field that the graph does not have does not compile.
//
//	go run . [-url URL] [res_1 4]
//
// An API key is taken from CAREHOME_KEY, where the server asks for one.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/Khan/genqlient/graphql"
)

//go:generate sh -c "go -C ../.. run . schema print >schema.graphql"
//go:generate go tool genqlient

func main() {
	url := flag.String("url", "http://127.0.0.1:5000/graphql", "where the graph is")
	flag.Parse()
	client := graphql.NewClient(*url, keyed{os.Getenv("CAREHOME_KEY")})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var err error
	switch flag.NArg() {
	case 0:
		err = list(ctx, client)
	case 2:
		err = record(ctx, client, flag.Arg(0), flag.Arg(1))
	default:
		flag.Usage()
		os.Exit(64)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "genqlient:", err)
		os.Exit(1)
	}
}

// list prints all pages.
func list(ctx context.Context, client graphql.Client) error {
	var after *string
	for {
		page, err := Residents(ctx, client, after)
		if err != nil {
			return err
		}
		for _, edge := range page.Residents.Edges {
			line := edge.Node.Id + " " + edge.Node.FullName
			for _, check := range edge.Node.Wellness.Edges {
				line += ", checked at " + check.Node.TakenAt.Format(time.RFC3339)
				if check.Node.Mood != nil {
					line += fmt.Sprintf(", mood %d", *check.Node.Mood)
				}
			}
			fmt.Println(line)
		}
		if !page.Residents.PageInfo.HasNextPage {
			return nil
		}
		after = page.Residents.PageInfo.EndCursor
	}
}

func record(ctx context.Context, client graphql.Client, resident, mood string) error {
	n, err := strconv.Atoi(mood)
	if err != nil {
		return fmt.Errorf("the mood is a number from 1 to 5: %w", err)
	}
	recorded, err := RecordMood(ctx, client, resident, time.Now(), n)
	if err != nil {
		return err
	}
	fmt.Println("recorded", recorded.CreateWellness.Wellness.Id)
	return nil
}

// keyed sends requests with the key, if there is one.
type keyed struct{ key string }

// Do sends a request.
func (k keyed) Do(request *http.Request) (*http.Response, error) {
	if k.key != "" {
		request.Header.Set("Authorization", "Bearer "+k.key)
	}
	return http.DefaultClient.Do(request)
}
