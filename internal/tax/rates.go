package tax

import (
	"strconv"
	"strings"
	"time"
)

// Class is what a thing is to the tax office.
type Class string

// The classes.
const (
	Standard Class = "STANDARD"
	Books    Class = "BOOKS" // printed ones
)

// Region is where something is sent: a country, and a state or a province where the country has them.
type Region struct{ Country, State string }

// Rate is a share of a price, in thousandths of a percent: 20000 is 20 %.
type Rate int64

// BasisPoints are the rate in hundredths of a percent, nil where it is none of them.
func (r Rate) BasisPoints() *int {
	if r%10 != 0 {
		return nil
	}
	return new(int(r / 10))
}

// String is the rate as people write it: 9.975 %.
func (r Rate) String() string {
	s := strconv.FormatInt(int64(r/1000), 10)
	if rest := r % 1000; rest > 0 {
		s += "." + strings.TrimRight(strconv.FormatInt(int64(1000+rest), 10)[1:], "0")
	}
	return s + " %"
}

// Rates are a region's.
type Rates struct {
	Name      string // what people call the tax there
	Inclusive bool   // prices have it in them
	Estimated bool   // it may be another: the provider was not there, or the table has a part of it only
	Of        map[Class]Rate
}

// None says that nothing is charged.
func (r Rates) None() bool {
	for _, rate := range r.Of {
		if rate > 0 {
			return false
		}
	}
	return true
}

// of is the rate of a class: its own, or the standard one.
func (r Rates) of(c Class) Rate {
	if rate, ok := r.Of[c]; ok {
		return rate
	}
	return r.Of[Standard]
}

// row is a rate that holds from a day on.
type row struct {
	region Region
	class  Class
	rate   Rate
	from   time.Time
}

// Table knows the rates of the countries that things are sent to. docs/tax.md names its sources.
type Table struct{ rows []row }

// NewTable reads the table.
func NewTable() Table {
	var t Table
	for line := range strings.SplitSeq(strings.TrimSpace(table), "\n") {
		f := strings.Fields(line)
		country, state, _ := strings.Cut(f[0], "-")
		percent, _ := strconv.ParseFloat(f[2], 64) // of text that a test reads; it is rounded before it touches money
		from, _ := time.Parse(time.DateOnly, f[3])
		t.rows = append(t.rows, row{Region{country, state}, Class(f[1]), Rate(percent*1000 + 0.5), from})
	}
	return t
}

// At is what a region's rates are at a time: the newest of each class, a state's in place of its country's.
func (t Table) At(region Region, now time.Time) Rates {
	r := Rates{Name: "VAT", Inclusive: true, Of: map[Class]Rate{}}
	switch region.Country {
	case "US":
		r.Name, r.Inclusive, r.Estimated = "Sales tax", false, true // counties and cities add theirs
	case "CA":
		r.Name, r.Inclusive = "GST/HST", false
	case "JP":
		r.Name = "Consumption tax"
	}
	newest := map[Class]time.Time{}
	for _, row := range t.rows {
		if row.region.Country == region.Country && row.region.State == region.State && !row.from.After(now) && !row.from.Before(newest[row.class]) {
			r.Of[row.class], newest[row.class] = row.rate, row.from
		}
	}
	if len(r.Of) == 0 && region.State != "" { // emirates have their country's
		return t.At(Region{Country: region.Country}, now)
	}
	return r
}

// table is a region, a class, a rate in percent, and the day from which it holds, in each line; a day to come is in the law already. docs/tax.md says what each was compared with.
const table = `
AE STANDARD 5 2018-01-01
AT STANDARD 20 1984-01-01
AT BOOKS 10 2016-01-01
BE STANDARD 21 1996-01-01
BE BOOKS 6 1996-01-01
CH STANDARD 7.7 2018-01-01
CH STANDARD 8.1 2024-01-01
CH BOOKS 2.5 2018-01-01
CH BOOKS 2.6 2024-01-01
DE STANDARD 19 2021-01-01
DE BOOKS 7 2021-01-01
DZ STANDARD 19 2017-01-01
ES STANDARD 21 2012-09-01
ES BOOKS 4 2012-09-01
FR STANDARD 20 2014-01-01
FR BOOKS 5.5 2014-01-01
GB STANDARD 20 2011-01-04
GB BOOKS 0 2011-01-04
IE STANDARD 23 2021-03-01
IE BOOKS 0 2021-03-01
IT STANDARD 22 2013-10-01
IT BOOKS 4 2013-10-01
JP STANDARD 10 2019-10-01
LU STANDARD 16 2023-01-01
LU STANDARD 17 2024-01-01
LU BOOKS 3 2023-01-01
MA STANDARD 20 2016-01-01
NL STANDARD 21 2012-10-01
NL BOOKS 9 2019-01-01
PL STANDARD 23 2011-01-01
PL BOOKS 5 2011-01-01
PT STANDARD 23 2011-01-01
PT BOOKS 6 2011-01-01
SA STANDARD 5 2018-01-01
SA STANDARD 15 2020-07-01
TN STANDARD 19 2018-01-01
CA-AB STANDARD 5 2008-01-01
CA-BC STANDARD 12 2013-04-01
CA-BC BOOKS 5 2013-04-01
CA-MB STANDARD 12 2019-07-01
CA-MB BOOKS 5 2019-07-01
CA-NB STANDARD 15 2016-07-01
CA-NB BOOKS 5 2016-07-01
CA-NL STANDARD 15 2016-07-01
CA-NL BOOKS 5 2018-01-01
CA-NS STANDARD 15 2010-07-01
CA-NS STANDARD 14 2025-04-01
CA-NS BOOKS 5 2010-07-01
CA-NT STANDARD 5 2008-01-01
CA-NU STANDARD 5 2008-01-01
CA-ON STANDARD 13 2010-07-01
CA-ON BOOKS 5 2010-07-01
CA-PE STANDARD 15 2016-10-01
CA-PE BOOKS 5 2016-10-01
CA-QC STANDARD 14.975 2013-01-01
CA-QC BOOKS 5 2013-01-01
CA-SK STANDARD 11 2017-03-23
CA-SK BOOKS 5 2017-03-23
CA-YT STANDARD 5 2008-01-01
US-AA STANDARD 0 2000-01-01
US-AE STANDARD 0 2000-01-01
US-AP STANDARD 0 2000-01-01
US-AS STANDARD 0 2000-01-01
US-AK STANDARD 0 2000-01-01
US-AL STANDARD 4 2000-01-01
US-AR STANDARD 6.5 2013-07-01
US-AZ STANDARD 5.6 2013-06-01
US-CA STANDARD 7.25 2017-01-01
US-CO STANDARD 2.9 2001-01-01
US-CT STANDARD 6.35 2011-07-01
US-DC STANDARD 5.75 2013-10-01
US-DC STANDARD 6 2018-10-01
US-DC STANDARD 7 2026-10-01
US-DE STANDARD 0 2000-01-01
US-FL STANDARD 6 2000-01-01
US-GA STANDARD 4 2000-01-01
US-GU STANDARD 0 2000-01-01
US-HI STANDARD 4 2000-01-01
US-IA STANDARD 6 2008-07-01
US-ID STANDARD 6 2006-10-01
US-IL STANDARD 6.25 2000-01-01
US-IN STANDARD 7 2008-04-01
US-KS STANDARD 6.5 2015-07-01
US-KY STANDARD 6 2000-01-01
US-LA STANDARD 4.45 2018-07-01
US-LA STANDARD 5 2025-01-01
US-MA STANDARD 6.25 2009-08-01
US-MD STANDARD 6 2008-01-03
US-ME STANDARD 5.5 2013-10-01
US-MI STANDARD 6 2000-01-01
US-MN STANDARD 6.875 2009-07-01
US-MO STANDARD 4.225 2000-01-01
US-MP STANDARD 0 2000-01-01
US-MS STANDARD 7 2000-01-01
US-MT STANDARD 0 2000-01-01
US-NC STANDARD 4.75 2011-07-01
US-ND STANDARD 5 2000-01-01
US-NE STANDARD 5.5 2002-10-01
US-NH STANDARD 0 2000-01-01
US-NJ STANDARD 6.625 2018-01-01
US-NM STANDARD 4.875 2023-07-01
US-NV STANDARD 6.85 2009-07-01
US-NY STANDARD 4 2005-06-01
US-OH STANDARD 5.75 2013-09-01
US-OK STANDARD 4.5 2000-01-01
US-OR STANDARD 0 2000-01-01
US-PA STANDARD 6 2000-01-01
US-PR STANDARD 10.5 2015-07-01
US-RI STANDARD 7 2000-01-01
US-SC STANDARD 6 2007-06-01
US-SD STANDARD 4.2 2023-07-01
US-SD STANDARD 4.5 2027-07-01
US-TN STANDARD 7 2002-07-15
US-TX STANDARD 6.25 2000-01-01
US-UT STANDARD 6.1 2019-04-01
US-VA STANDARD 5.3 2013-07-01
US-VI STANDARD 0 2000-01-01
US-VT STANDARD 6 2003-10-01
US-WA STANDARD 6.5 2000-01-01
US-WI STANDARD 5 2000-01-01
US-WV STANDARD 6 2000-01-01
US-WY STANDARD 4 2000-01-01
`
