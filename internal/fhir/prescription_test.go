package fhir

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"carehome/internal/scalar"
)

// ordered makes an order of ana's; rest may repeat a text to change it.
func ordered(rest string) string {
	if rest != "" {
		rest = "," + rest
	}
	return `{"resourceType":"MedicationRequest","id":"m","status":"active","intent":"order","subject":{"reference":"Patient/ana"},
		"medicationCodeableConcept":{"text":"Paracetamol 500 mg tablets"},"authoredOn":"2020-01-02T10:00:00+01:00","requester":{"display":"Dr. Who"}` + rest + `}`
}

// orderOf is ordered with another medication, such as a medicationReference.
func orderOf(medication string) string {
	return strings.Replace(ordered(""), `"medicationCodeableConcept":{"text":"Paracetamol 500 mg tablets"}`, medication, 1)
}

func dosed(dosages ...string) string {
	return ordered(`"dosageInstruction":[` + strings.Join(dosages, ",") + `]`)
}

// show is what an order states, without what is the same in all tests.
func show(p *Prescription) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if p.Status != "ACTIVE" {
		add("%s", p.Status)
	}
	if p.Kind != "SCHEDULED" {
		add("%s", p.Kind)
	}
	number := func(name string, d *scalar.Decimal) {
		if d != nil {
			add("%s %s", name, d)
		}
	}
	count := func(name string, n *int) {
		if n != nil {
			add("%s %d", name, *n)
		}
	}
	word := func(name, s string) {
		if s != "" {
			add("%s %s", name, s)
		}
	}
	number("dose", p.DoseAmount)
	number("to", p.DoseAmountMax)
	word("unit", p.DoseUnit)
	word("route", p.Route)
	word("schedule", p.ScheduleKind)
	for _, at := range p.TimesOfDay {
		add("%s", at)
	}
	count("perDay", p.TimesPerDay)
	count("everyDays", p.EveryNDays)
	for _, day := range p.DaysOfWeek {
		add("%s", day)
	}
	count("every", p.IntervalMinutes)
	count("doses", p.MaxDoses)
	switch {
	case p.StartsAt == nil:
		add("no start")
	case p.StartsAt.String() != "2020-01-02T09:00:00.000Z":
		add("from %s", p.StartsAt)
	}
	if p.EndsAt != nil {
		add("until %s", p.EndsAt)
	}
	word("for", p.PRNReason)
	count("least", p.PRNMinIntervalMinutes)
	count("most", p.PRNMaxDosesPer24h)
	number("mostAmount", p.PRNMaxAmountPer24h)
	word("because", p.Indication)
	word("food", p.FoodRelation)
	word("stopped", p.StopReason)
	if p.PrescriberName != "Dr. Who" {
		add("by %s", p.PrescriberName)
	}
	if p.Instructions != "" {
		add("[%s]", strings.ReplaceAll(p.Instructions, "\n", " / "))
	}
	return strings.Join(parts, " ")
}

func TestOrders(t *testing.T) {
	timed := func(repeat string) string { return dosed(`{"timing":{"repeat":{` + repeat + `}}}`) }
	dose := func(quantity string) string { return dosed(`{"doseAndRate":[{"doseQuantity":` + quantity + `}]}`) }
	needed := func(rest string) string { return dosed(`{"asNeededBoolean":true,` + rest + `}`) }
	for name, tc := range map[string]struct{ order, want, notes string }{
		"NothingStated": {ordered(""), "", "NO_DOSE_STATED"},

		// Statuses
		"OnHold":    {ordered(`"status":"on-hold"`), "ON_HOLD", "NO_DOSE_STATED"},
		"Cancelled": {ordered(`"status":"cancelled"`), "CANCELLED", "NO_DOSE_STATED"},
		"Completed": {ordered(`"status":"completed"`), "COMPLETED", "NO_DOSE_STATED"},
		"InError":   {ordered(`"status":"entered-in-error"`), "ENTERED_IN_ERROR", "NO_DOSE_STATED"},
		"Stopped":   {ordered(`"status":"stopped"`), "STOPPED", "NO_DOSE_STATED"},
		"StoppedWhy": {ordered(`"status":"stopped","statusReason":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/medicationrequest-status-reason","code":"salg","display":"Allergy"}]}`),
			"STOPPED stopped ALLERGY [Reason of the status: Allergy]", "NO_DOSE_STATED"},
		"StoppedOther": {ordered(`"status":"stopped","statusReason":{"text":"He moved"}`), "STOPPED stopped OTHER [Reason of the status: He moved]", "NO_DOSE_STATED"},
		"HeldWhy":      {ordered(`"status":"on-hold","statusReason":{"text":"Surgery"}`), "ON_HOLD [Reason of the status: Surgery]", "NO_DOSE_STATED"},
		"Draft":        {ordered(`"status":"draft"`), "DRAFT", "NO_DOSE_STATED"},
		"Unknown":      {ordered(`"status":"unknown"`), "DRAFT [Status as stated: unknown]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"NoStatus":     {ordered(`"status":""`), "DRAFT [Status as stated: none]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"Plan":         {ordered(`"intent":"plan"`), "DRAFT [Intent as stated: plan]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"StoppedPlan":  {ordered(`"status":"stopped","intent":"plan"`), "STOPPED [Intent as stated: plan]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},

		// Doses
		"BareValue":     {dose(`{"value":1}`), "dose 1", ""},
		"Tablets":       {dose(`{"value":1.5,"unit":"tablet(s)","system":"http://unitsofmeasure.org","code":"{tbl}"}`), "dose 1.5 unit TABLET", ""},
		"OrderableForm": {dose(`{"value":2,"unit":"TAB","system":"http://terminology.hl7.org/CodeSystem/v3-orderableDrugForm","code":"TAB"}`), "dose 2 unit TABLET", ""},
		"Milligrams":    {dose(`{"value":500,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}`), "dose 500 unit MG", ""},
		"Micrograms":    {dose(`{"value":62.5,"code":"ug"}`), "dose 62.5 unit UG", ""},
		"International": {dose(`{"value":800,"code":"[iU]"}`), "dose 800 unit IU", ""},
		"Millilitres":   {dose(`{"value":5,"unit":"mL"}`), "dose 5 unit ML", ""},
		"FivePlaces":    {dose(`{"value":0.12345,"code":"mg"}`), "dose 0.1235 unit MG", ""},
		"UnknownUnit":   {dose(`{"value":5,"unit":"spoon"}`), "dose 5 [Dose as stated: 5 spoon]", "KEPT_AS_TEXT\nUNKNOWN_UNIT: dose in \"spoon\""},
		"ZeroDose":      {dose(`{"value":0,"code":"mg"}`), "[Dose as stated: 0 mg]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"NegativeDose":  {dose(`{"value":-1,"code":"mg"}`), "[Dose as stated: -1 mg]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"HugeDose":      {dose(`{"value":1e99,"code":"mg"}`), "[Dose as stated: 1e99 mg]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"AtMostDose":    {dose(`{"value":2,"comparator":"<=","code":"mg"}`), "[Dose as stated: <=2 mg]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"Range":         {dosed(`{"doseAndRate":[{"doseRange":{"low":{"value":1,"code":"{tbl}"},"high":{"value":2,"code":"{tbl}"}}}]}`), "dose 1 to 2 unit TABLET", ""},
		"RangeOfOne":    {dosed(`{"doseAndRate":[{"doseRange":{"low":{"value":1,"code":"{tbl}"},"high":{"value":1.0,"code":"{tbl}"}}}]}`), "dose 1 unit TABLET", ""},
		"RangeUpTo":     {dosed(`{"doseAndRate":[{"doseRange":{"high":{"value":2,"code":"mg"}}}]}`), "[Dose as stated: up to 2 mg]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"RangeSwapped":  {dosed(`{"doseAndRate":[{"doseRange":{"low":{"value":2,"code":"mg"},"high":{"value":1,"code":"mg"}}}]}`), "[Dose as stated: 2 mg to 1 mg]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"RangeTwoUnits": {dosed(`{"doseAndRate":[{"doseRange":{"low":{"value":1,"code":"mg"},"high":{"value":2,"code":"g"}}}]}`), "[Dose as stated: 1 mg to 2 g]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"OrderedOfTwo": {dosed(`{"doseAndRate":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/dose-rate-type","code":"calculated","display":"Calculated"}]},"doseQuantity":{"value":9,"code":"mg"}},
			{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/dose-rate-type","code":"ordered"}]},"doseQuantity":{"value":10,"code":"mg"}}]}`),
			"dose 10 unit MG [Dose as stated: 9 mg (calculated)]", "KEPT_AS_TEXT"},
		"Infusion":   {dosed(`{"doseAndRate":[{"doseQuantity":{"value":1,"code":"g"},"rateRatio":{"numerator":{"value":100,"unit":"mL"},"denominator":{"value":1,"unit":"h"}}}]}`), "[Dose and rate as stated: 1 g at 100 mL per 1 h]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"DoseOfSTU3": {dosed(`{"doseQuantity":{"value":1,"code":"g"}}`), "dose 1 unit G", ""},
		"RouteCode":  {dosed(`{"route":{"coding":[{"system":"http://snomed.info/sct","code":"34206005"}]}}`), "route SUBCUTANEOUS", "NO_DOSE_STATED"},
		"RouteWords": {dosed(`{"route":{"coding":[{"system":"urn:x","code":"PO","display":"Swallow"}]}}`), "route ORAL", "NO_DOSE_STATED"},
		"RouteText":  {dosed(`{"route":{"text":"Oral route"}}`), "route ORAL", "NO_DOSE_STATED"},
		"OtherRoute": {dosed(`{"route":{"coding":[{"system":"http://snomed.info/sct","code":"54471007","display":"Buccal route"}]}}`), "[Route as stated: Buccal route]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"SiteAndMore": {dosed(`{"text":"One now","patientInstruction":"Rinse","additionalInstruction":[{"text":"With water"}],"site":{"text":"Left eye"},"method":{"text":"Instil"},"maxDosePerAdministration":{"value":2,"unit":"mg"},"maxDosePerLifetime":{"value":9,"unit":"mg"}}`),
			"[One now / Rinse / With water / Most at once as stated: 2 mg / Most in a lifetime as stated: 9 mg / Site as stated: Left eye / Method as stated: Instil]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},

		// Schedules
		"TimesOfDay":        {timed(`"timeOfDay":["20:00:00","08:00:00"],"frequency":2,"period":1,"periodUnit":"d"`), "schedule TIMES_OF_DAY 08:00 20:00", "NO_DOSE_STATED"},
		"TimesAlone":        {timed(`"timeOfDay":["08:30"]`), "schedule TIMES_OF_DAY 08:30", "NO_DOSE_STATED"},
		"TimesEveryOther":   {timed(`"timeOfDay":["08:00"],"frequency":1,"period":2,"periodUnit":"d"`), "schedule TIMES_OF_DAY 08:00 everyDays 2", "NO_DOSE_STATED"},
		"TimesOnDays":       {timed(`"timeOfDay":["08:00"],"dayOfWeek":["fri","mon"]`), "schedule TIMES_OF_DAY 08:00 MON FRI", "NO_DOSE_STATED"},
		"TimesOnDaysOfWeek": {timed(`"timeOfDay":["08:00"],"dayOfWeek":["mon","fri"],"frequency":2,"period":1,"periodUnit":"wk"`), "schedule TIMES_OF_DAY 08:00 MON FRI", "NO_DOSE_STATED"},
		"TimesWeekly":       {timed(`"timeOfDay":["08:00"],"frequency":1,"period":1,"periodUnit":"wk"`), "schedule TIMES_OF_DAY 08:00 everyDays 7", "NO_DOSE_STATED"},
		"TimesContradict":   {timed(`"timeOfDay":["08:00"],"frequency":3,"period":1,"periodUnit":"d"`), "[Timing as stated: 3 times per 1 d; at 08:00]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"TimesWithSeconds":  {timed(`"timeOfDay":["08:00:30"]`), "[Timing as stated: at 08:00:30]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"TimesTwice":        {timed(`"timeOfDay":["08:00","08:00:00"]`), "[Timing as stated: at 08:00, 08:00:00]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"TimesAndHours":     {timed(`"timeOfDay":["08:00"],"frequency":1,"period":6,"periodUnit":"h"`), "[Timing as stated: 1 times per 6 h; at 08:00]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"TimesAndWhen":      {timed(`"timeOfDay":["08:00"],"when":["MORN"]`), "[Timing as stated: at 08:00; when MORN]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"ThreeADay":         {timed(`"frequency":3,"period":1,"periodUnit":"d"`), "perDay 3", "NO_DOSE_STATED"},
		"ThreeADayDecimals": {timed(`"frequency":3.0,"period":1.000,"periodUnit":"d"`), "perDay 3", "NO_DOSE_STATED"},
		"EverySixtyDays":    {timed(`"frequency":1,"period":60,"periodUnit":"d"`), "perDay 1 everyDays 60", "NO_DOSE_STATED"},
		"Weekly":            {timed(`"frequency":1,"period":1,"periodUnit":"wk"`), "perDay 1 everyDays 7", "NO_DOSE_STATED"},
		"WeeklyOnMonday":    {timed(`"frequency":1,"period":1,"periodUnit":"wk","dayOfWeek":["mon"]`), "perDay 1 MON", "NO_DOSE_STATED"},
		"OnDays":            {timed(`"dayOfWeek":["sun","sat"]`), "SAT SUN", "NO_DOSE_STATED"},
		"TwiceAWeek":        {timed(`"frequency":2,"period":1,"periodUnit":"wk"`), "[Timing as stated: 2 times per 1 wk]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"Monthly":           {timed(`"frequency":1,"period":1,"periodUnit":"mo"`), "[Timing as stated: 1 times per 1 mo]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"SixHourly":         {timed(`"frequency":1,"period":6,"periodUnit":"h"`), "schedule INTERVAL every 360", "NO_DOSE_STATED"},
		"NinetyMinutes":     {timed(`"frequency":1,"period":1.5,"periodUnit":"h"`), "schedule INTERVAL every 90", "NO_DOSE_STATED"},
		"HalfDay":           {timed(`"frequency":1,"period":0.5,"periodUnit":"d"`), "schedule INTERVAL every 720", "NO_DOSE_STATED"},
		"Seconds":           {timed(`"frequency":1,"period":7200,"periodUnit":"s"`), "schedule INTERVAL every 120", "NO_DOSE_STATED"},
		"Daily24h":          {timed(`"frequency":1,"period":24,"periodUnit":"h"`), "schedule INTERVAL every 1440", "NO_DOSE_STATED"},
		"ThriceIn24h":       {timed(`"frequency":3,"period":24,"periodUnit":"h"`), "perDay 3", "NO_DOSE_STATED"},
		"ThriceIn8h":        {timed(`"frequency":3,"period":8,"periodUnit":"h"`), "[Timing as stated: 3 times per 8 h]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"TooOften":          {timed(`"frequency":1,"period":10,"periodUnit":"min"`), "[Timing as stated: 1 times per 10 min]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"HalfAMinute":       {timed(`"frequency":1,"period":45.5,"periodUnit":"min"`), "[Timing as stated: 1 times per 45.5 min]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"TwentyFive":        {timed(`"frequency":25,"period":1,"periodUnit":"d"`), "[Timing as stated: 25 times per 1 d]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"FrequencyOfWhat":   {timed(`"frequency":2`), "[Timing as stated: 2 times per ?]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"FrequencyRange":    {timed(`"frequency":2,"frequencyMax":3,"period":1,"periodUnit":"d"`), "[Timing as stated: 2 to 3 times per 1 d]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"PeriodRange":       {timed(`"frequency":1,"period":4,"periodMax":6,"periodUnit":"h"`), "[Timing as stated: 1 times per 4 to 6 h]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"ZeroPeriod":        {timed(`"frequency":1,"period":0,"periodUnit":"d"`), "[Timing as stated: 1 times per 0 d]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"NegativePeriod":    {timed(`"frequency":1,"period":-1,"periodUnit":"d"`), "[Timing as stated: 1 times per -1 d]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"HugePeriod":        {timed(`"frequency":1,"period":1e30,"periodUnit":"d"`), "[Timing as stated: 1 times per 1e30 d]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"BeforeBreakfast":   {timed(`"when":["ACM"]`), "perDay 1 food BEFORE_FOOD [Timing as stated: when ACM]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"AtNightAndMorning": {timed(`"frequency":2,"period":1,"periodUnit":"d","when":["MORN","NIGHT"]`), "perDay 2 [Timing as stated: 2 times per 1 d; when MORN, NIGHT]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"TenDoses":          {timed(`"count":10,"frequency":2,"period":1,"periodUnit":"d"`), "perDay 2 doses 10", "NO_DOSE_STATED"},
		"TenToTwelveDoses":  {timed(`"count":10,"countMax":12,"frequency":2,"period":1,"periodUnit":"d"`), "perDay 2 doses 10 [Timing as stated: 2 times per 1 d; 10 to 12 in all]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"OneDose":           {timed(`"count":1`), "ONE_OFF doses 1", "NO_DOSE_STATED"},
		"OneDoseAtTime":     {timed(`"count":1,"timeOfDay":["08:00"]`), "schedule TIMES_OF_DAY 08:00 doses 1", "NO_DOSE_STATED"},
		"Once":              {dosed(`{"timing":{"event":["2020-02-03T10:00:00Z"]}}`), "ONE_OFF schedule ONCE from 2020-02-03T10:00:00.000Z", "NO_DOSE_STATED"},
		"OnceOnADay":        {dosed(`{"timing":{"event":["2020-02-03"]}}`), "ONE_OFF from 2020-02-02T23:00:00.000Z [Timing as stated: on 2020-02-03]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"TwoEvents":         {dosed(`{"timing":{"event":["2020-02-03","2020-02-04"]}}`), "[Timing as stated: on 2020-02-03, 2020-02-04]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"BID":               {dosed(`{"timing":{"code":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation","code":"BID"}]}}}`), "perDay 2", "NO_DOSE_STATED"},
		"QOD":               {dosed(`{"timing":{"code":{"text":"qod"}}}`), "perDay 1 everyDays 2", "NO_DOSE_STATED"},
		"Q4H":               {dosed(`{"timing":{"code":{"text":"Q4H"}}}`), "schedule INTERVAL every 240", "NO_DOSE_STATED"},
		"AtBedtime":         {dosed(`{"timing":{"code":{"text":"BED"}}}`), "perDay 1 [Timing as stated: BED]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"CodeUnknown":       {dosed(`{"timing":{"code":{"text":"as the doctor says"}}}`), "[Timing as stated: as the doctor says]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"CodeAndRepeat":     {dosed(`{"timing":{"code":{"text":"BID"},"repeat":{"frequency":2,"period":1,"periodUnit":"d"}}}`), "perDay 2", "NO_DOSE_STATED"},
		"Lasting":           {timed(`"frequency":1,"period":1,"periodUnit":"d","duration":30,"durationUnit":"min"`), "perDay 1 [Timing as stated: 1 times per 1 d; lasting 30 min]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"NoSuchDay":         {timed(`"dayOfWeek":["mon","someday"]`), "[Timing as stated: on mon, someday]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"Bounds":            {timed(`"boundsPeriod":{"start":"2020-03-01","end":"2020-03-10"}`), "from 2020-02-29T23:00:00.000Z until 2020-03-10T23:00:00.000Z", "NO_DOSE_STATED"},
		"BoundsInstants":    {timed(`"boundsPeriod":{"start":"2020-03-01T08:00:00Z","end":"2020-03-10T20:00:00Z"}`), "from 2020-03-01T08:00:00.000Z until 2020-03-10T20:00:00.000Z", "NO_DOSE_STATED"},
		"BoundsEndOnly":     {timed(`"boundsPeriod":{"end":"2020-03"}`), "until 2020-03-31T22:00:00.000Z", "NO_DOSE_STATED"},
		"BoundsBackwards":   {timed(`"boundsPeriod":{"start":"2020-03-10","end":"2020-03-01"}`), "from 2020-03-09T23:00:00.000Z [Period as stated: 2020-03-10 to 2020-03-01]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"BoundsDuration":    {timed(`"frequency":1,"period":1,"periodUnit":"d","boundsDuration":{"value":10,"unit":"days"}`), "perDay 1 [For as stated: 10 days]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"BoundsRange":       {timed(`"boundsRange":{"low":{"value":5,"unit":"d"},"high":{"value":7,"unit":"d"}}`), "[For as stated: 5 d to 7 d]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"AuthoredDay":       {ordered(`"authoredOn":"2020-07-02"`), "from 2020-07-01T22:00:00.000Z", "NO_DOSE_STATED"},
		"StartOfDispense":   {ordered(`"authoredOn":"","dispenseRequest":{"validityPeriod":{"start":"2020-07-02T00:00:00Z"}}`), "from 2020-07-02T00:00:00.000Z", "NO_DOSE_STATED"},
		"NoStart":           {ordered(`"authoredOn":""`), "no start [Start as stated: none]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},

		// As needed
		"Needed":          {dosed(`{"asNeededBoolean":true}`), "PRN", "NO_DOSE_STATED"},
		"NotNeeded":       {dosed(`{"asNeededBoolean":false}`), "", "NO_DOSE_STATED"},
		"NeededFor":       {dosed(`{"asNeededCodeableConcept":{"text":"pain"}}`), "PRN for pain", "NO_DOSE_STATED"},
		"NeededSixHourly": {needed(`"timing":{"repeat":{"frequency":1,"period":6,"periodUnit":"h"}}`), "PRN least 360", "NO_DOSE_STATED"},
		"NeededThrice":    {needed(`"timing":{"repeat":{"frequency":3,"period":1,"periodUnit":"d"}}`), "PRN perDay 3", "NO_DOSE_STATED"},
		"NeededAtTimes":   {needed(`"timing":{"repeat":{"timeOfDay":["08:00"]}}`), "PRN [Timing as stated: at 08:00]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"NeededOnce":      {needed(`"timing":{"repeat":{"count":1}}`), "PRN doses 1", "NO_DOSE_STATED"},
		"CeilingAmount": {needed(`"doseAndRate":[{"doseQuantity":{"value":1,"code":"{tbl}"}}],"maxDosePerPeriod":{"numerator":{"value":8,"unit":"tablets"},"denominator":{"value":24,"unit":"h"}}`),
			"PRN dose 1 unit TABLET mostAmount 8", ""},
		"CeilingDoses":      {needed(`"maxDosePerPeriod":{"numerator":{"value":4,"unit":"doses"},"denominator":{"value":1,"code":"d"}}`), "PRN most 4", "NO_DOSE_STATED"},
		"CeilingOfWeek":     {needed(`"maxDosePerPeriod":{"numerator":{"value":4,"unit":"doses"},"denominator":{"value":1,"code":"wk"}}`), "PRN [Most in a period as stated: 4 doses per 1 wk]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"CeilingOtherUnit":  {needed(`"doseAndRate":[{"doseQuantity":{"value":1,"code":"{tbl}"}}],"maxDosePerPeriod":{"numerator":{"value":4,"code":"g"},"denominator":{"value":24,"code":"h"}}`), "PRN dose 1 unit TABLET [Most in a period as stated: 4 g per 24 h]", "KEPT_AS_TEXT"},
		"CeilingBelowDose":  {needed(`"doseAndRate":[{"doseQuantity":{"value":2,"code":"g"}}],"maxDosePerPeriod":{"numerator":{"value":1,"code":"g"},"denominator":{"value":24,"code":"h"}}`), "PRN dose 2 unit G [Most in a period as stated: 1 g per 24 h]", "KEPT_AS_TEXT"},
		"CeilingOfSchedule": {dosed(`{"maxDosePerPeriod":{"numerator":{"value":4,"unit":"doses"},"denominator":{"value":1,"code":"d"}}}`), "[Most in a period as stated: 4 doses per 1 d]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},

		// Several dosages: what they agree on
		"TwoDosages": {dosed(`{"sequence":1,"text":"Two in the morning","route":{"text":"oral"},"timing":{"repeat":{"timeOfDay":["08:00"]}},"doseAndRate":[{"doseQuantity":{"value":2,"code":"{tbl}"}}]}`,
			`{"sequence":2,"route":{"text":"oral"},"timing":{"repeat":{"timeOfDay":["20:00"]}},"doseAndRate":[{"doseQuantity":{"value":1,"code":"{tbl}"}}]}`),
			"route ORAL [Dosage 1 as stated: Two in the morning, 2 {tbl}, oral, at 08:00 / Two in the morning / Dosage 2 as stated: 1 {tbl}, oral, at 20:00]", "KEPT_AS_TEXT\nNO_DOSE_STATED"},
		"TwoAlike": {dosed(`{"asNeededCodeableConcept":{"text":"pain"},"doseAndRate":[{"doseQuantity":{"value":1,"code":"mg"}}]}`, `{"asNeededCodeableConcept":{"text":"pain"},"doseAndRate":[{"doseQuantity":{"value":1.0,"code":"mg"}}]}`),
			"PRN dose 1 unit MG for pain [Dosage 1 as stated: 1 mg, as needed for pain / Dosage 2 as stated: 1.0 mg, as needed for pain]", "KEPT_AS_TEXT"},

		// People and reasons
		"Reasons":     {ordered(`"reasonCode":[{"text":"Pain"},{"coding":[{"display":"Fever"}]}],"reasonReference":[{"display":"Flu"},{"reference":"#c"}],"contained":[{"resourceType":"Condition","id":"c","code":{"text":"Cough"}}]`), "because Pain; Fever; Flu; Cough", "NO_DOSE_STATED"},
		"NoRequester": {strings.Replace(ordered(""), `"display":"Dr. Who"`, `"reference":"Practitioner?identifier=x|1"`, 1), "by Not stated", "NO_DOSE_STATED"},
		"Contained":   {ordered(`"requester":{"reference":"#p","display":"x"},"contained":[{"resourceType":"Practitioner","id":"p","name":[{"prefix":["Dr."],"given":["Eva"],"family":"Luz"}]}]`), "by Dr. Eva Luz", "NO_DOSE_STATED"},
		"Notes":       {ordered(`"note":[{"text":"Mind\nthe gap"}]`), "[Mind the gap]", "NO_DOSE_STATED"},
		"LongNote":    {ordered(`"note":[{"text":"` + strings.Repeat("x", 2001) + `"}]`), "[" + strings.Repeat("x", 1999) + "…]", "NO_DOSE_STATED\nSHORTENED: a text was longer than 2000 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			record, report := mapped(t, bundle(ana, tc.order))
			if len(record.Residents) != 1 || len(record.Residents[0].Prescriptions) != 1 {
				t.Fatalf("not taken: %s", skips(report.Skipped))
			}
			p := record.Residents[0].Prescriptions[0]
			if got := show(p); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			// What is kept as text stands in want already.
			noted := regexp.MustCompile("KEPT_AS_TEXT: .*").ReplaceAllString(skips(report.Notes), "KEPT_AS_TEXT")
			if noted != tc.notes {
				t.Errorf("noted %q, want %q", noted, tc.notes)
			}
			if p.SourceID != "ana/MedicationRequest/m" || len(report.Skipped) != 0 {
				t.Errorf("source %s, skipped %s", p.SourceID, skips(report.Skipped))
			}
		})
	}
}

func TestKeptAsTextIsNoted(t *testing.T) {
	_, report := mapped(t, bundle(ana, dosed(`{"route":{"text":"Buccal"},"timing":{"code":{"text":"now and then"}},"doseAndRate":[{"doseQuantity":{"value":1,"code":"mg"}}]}`)))
	if got := skips(report.Notes); got != "KEPT_AS_TEXT: route, timing" {
		t.Error(got)
	}
}

func TestOrdersRefused(t *testing.T) {
	for name, tc := range map[string]struct{ order, want string }{
		"ErrNotToGive": {ordered(`"doNotPerform":true`), "PROHIBITION: it is an order not to give it"},
		"ErrOfNothing": {orderOf(`"medicationCodeableConcept":{}`), "INCOMPLETE: it does not say of what"},
		"ErrOfNobody":  {strings.Replace(ordered(""), "Patient/ana", "", 1), "NO_PATIENT: no patient is named"},
		"ErrDangling":  {orderOf(`"medicationReference":{"reference":"Medication/none"}`), "INCOMPLETE: it does not say of what"},
	} {
		t.Run(name, func(t *testing.T) {
			record, report := mapped(t, bundle(ana, tc.order))
			if len(record.Residents[0].Prescriptions) != 0 || skips(report.Skipped) != tc.want {
				t.Errorf("took %d, skipped %q, want %q", len(record.Residents[0].Prescriptions), skips(report.Skipped), tc.want)
			}
		})
	}
}

func TestMedications(t *testing.T) {
	const product = `{"resourceType":"Medication","id":"med","status":"inactive","code":{"coding":[{"code":"paracetamol"},{"system":"http://snomed.info/sct","code":"322236009","display":"Paracetamol 500mg tablet"}]},
		"form":{"text":"Effervescent tablet"},"ingredient":[
		{"itemCodeableConcept":{"text":"Paracetamol"},"strength":{"numerator":{"value":500,"code":"mg"},"denominator":{"value":1,"code":"{tbl}"}}},
		{"itemCodeableConcept":{"text":"Codeine"},"strength":{"numerator":{"value":30,"code":"mg"},"denominator":{"value":2,"unit":"tablets"}}},
		{"itemCodeableConcept":{"text":"In a bottle"},"strength":{"numerator":{"value":30,"code":"mg"},"denominator":{"value":5,"unit":"mL"}}},
		{"itemCodeableConcept":{"text":"Some"}}]}`
	for name, tc := range map[string]struct{ order, want string }{
		"Text":       {ordered(""), "{Paracetamol 500 mg tablets   TABLET TABLET ACTIVE []}"},
		"Coded":      {orderOf(`"medicationCodeableConcept":{"coding":[{"system":"http://www.nlm.nih.gov/research/umls/rxnorm","code":"313782","display":"Acetaminophen 325 MG Oral Tablet"}]}`), "{Acetaminophen 325 MG Oral Tablet 313782 http://www.nlm.nih.gov/research/umls/rxnorm TABLET TABLET ACTIVE []}"},
		"CodeOnly":   {orderOf(`"medicationCodeableConcept":{"coding":[{"system":"urn:atc","code":"N02BE01"}],"text":""}`), "{N02BE01 N02BE01 urn:atc OTHER UNIT ACTIVE []}"},
		"Insulin":    {orderOf(`"medicationCodeableConcept":{"text":"insulin human, 70 UNT/ML Injectable Suspension"}`), "{insulin human, 70 UNT/ML Injectable Suspension   INJECTION UNIT ACTIVE []}"},
		"Referenced": {orderOf(`"medicationReference":{"reference":"Medication/med"}`), "{Paracetamol 500mg tablet 322236009 http://snomed.info/sct TABLET TABLET INACTIVE [{paracetamol 500 MG} {codeine 15 MG}]}"},
		"Contained":  {orderOf(`"medicationReference":{"reference":"#med"},"contained":[` + product + `]`), "{Paracetamol 500mg tablet 322236009 http://snomed.info/sct TABLET TABLET INACTIVE [{paracetamol 500 MG} {codeine 15 MG}]}"},
		"Display":    {orderOf(`"medicationReference":{"reference":"Medication/none","display":"Codeine syrup"}`), "{Codeine syrup   ORAL_LIQUID ML ACTIVE []}"},
	} {
		t.Run(name, func(t *testing.T) {
			record, report := mapped(t, bundle(ana, product, tc.order))
			if got := fmt.Sprint(record.Residents[0].Prescriptions[0].Medication); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if used := name == "Referenced"; used != (len(report.Skipped) == 0) {
				t.Errorf("skipped %s", skips(report.Skipped))
			}
		})
	}
}

func TestPriorOrders(t *testing.T) {
	order := func(id, prior string) string {
		return strings.Replace(ordered(`"priorPrescription":{"reference":"MedicationRequest/`+prior+`"}`), `"id":"m"`, `"id":"`+id+`"`, 1)
	}
	for name, tc := range map[string]struct {
		orders []string
		want   string
	}{
		"Chain":     {[]string{order("c", "b"), order("b", "a"), order("a", "x")}, "a<x b<a c<b"},
		"Circle":    {[]string{order("a", "b"), order("b", "a")}, "b< a<b"},
		"Itself":    {[]string{order("a", "a")}, "a<"},
		"TwoAfter":  {[]string{order("b", "a"), order("c", "a"), order("a", "")}, "a< b<a c<"},
		"NoneAtAll": {[]string{order("b", ""), order("a", "")}, "b< a<"},
	} {
		t.Run(name, func(t *testing.T) {
			record, _ := mapped(t, bundle(append([]string{ana}, tc.orders...)...))
			var got []string
			for _, p := range record.Residents[0].Prescriptions {
				last := func(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }
				got = append(got, last(p.SourceID)+"<"+last(p.Replaces))
			}
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("got %s, want %s", s, tc.want)
			}
		})
	}
}
