// Package text prepares text for people: it cleans and shortens text from outside, counts, writes durations, and finds
// the word that somebody probably meant. All of it is pure; nothing here prints.
//
// Text from outside is a branch name, a setting, or a message of AWS, GitHub, git or Pulumi. None of it reaches an
// error, a log or a terminal as it is. There are three ways to make it safe:
//
//   - Line removes what does not print. It is for messages, which are only read.
//   - Escape replaces what does not print by visible escapes. It is for names, which must stay recognisable.
//   - Quote puts the text into quotes. It is for values that an error cites.
package text
