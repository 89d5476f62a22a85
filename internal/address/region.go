package address

import "strings"

// regionsOf reads "CODE Name" lines.
func regionsOf(lines string) []Region {
	var all []Region
	for line := range strings.SplitSeq(strings.TrimSpace(lines), "\n") {
		code, name, _ := strings.Cut(line, " ")
		all = append(all, Region{code, name})
	}
	return all
}

func emirates() []Region {
	return regionsOf(`
AZ Abu Dhabi
AJ Ajman
DU Dubai
FU Fujairah
RK Ras Al Khaimah
SH Sharjah
UQ Umm Al Quwain`)
}

func provinces() []Region {
	return regionsOf(`
AB Alberta
BC British Columbia
MB Manitoba
NB New Brunswick
NL Newfoundland and Labrador
NS Nova Scotia
NT Northwest Territories
NU Nunavut
ON Ontario
PE Prince Edward Island
QC Quebec
SK Saskatchewan
YT Yukon`)
}

// states are those of the United States with the district, the territories and the places of the forces' post.
func states() []Region {
	return regionsOf(`
AL Alabama
AK Alaska
AZ Arizona
AR Arkansas
CA California
CO Colorado
CT Connecticut
DE Delaware
DC District of Columbia
FL Florida
GA Georgia
HI Hawaii
ID Idaho
IL Illinois
IN Indiana
IA Iowa
KS Kansas
KY Kentucky
LA Louisiana
ME Maine
MD Maryland
MA Massachusetts
MI Michigan
MN Minnesota
MS Mississippi
MO Missouri
MT Montana
NE Nebraska
NV Nevada
NH New Hampshire
NJ New Jersey
NM New Mexico
NY New York
NC North Carolina
ND North Dakota
OH Ohio
OK Oklahoma
OR Oregon
PA Pennsylvania
RI Rhode Island
SC South Carolina
SD South Dakota
TN Tennessee
TX Texas
UT Utah
VT Vermont
VA Virginia
WA Washington
WV West Virginia
WI Wisconsin
WY Wyoming
AS American Samoa
GU Guam
MP Northern Mariana Islands
PR Puerto Rico
VI Virgin Islands
AA Armed Forces Americas
AE Armed Forces Europe
AP Armed Forces Pacific`)
}
