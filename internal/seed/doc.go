// Package seed makes a demo home: staff, residents, a catalogue of medicines,
// prescriptions, activities and wellness checks over some months, so that the
// program can be tried, shown and measured without anybody's data.
//
// All of it is synthetic. Names are put together at random, telephone numbers
// begin as no Spanish number does, addresses lie in domains reserved for
// examples. The medicines and their ATC codes (WHO Collaborating Centre for Drug
// Statistics Methodology) exist; that somebody is given them, how much and with
// what effect is made up and is no clinical advice.
//
// The same options give the same home, row for row. It writes through the ent
// client alone, so that every rule of the schema holds, and knows neither how a
// store is opened nor who asked for a demo.
package seed
