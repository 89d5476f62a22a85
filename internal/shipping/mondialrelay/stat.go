package mondialrelay

import (
	"github.com/souklive/souk/internal/shipping"
)

// refusal makes a STAT other than success into an error.
func refusal(op, stat string) error {
	if stat == "0" {
		return nil
	}
	failed := &shipping.CarrierError{Carrier: Name, Op: op, Outcome: shipping.Refused, Code: stat, Text: stats[stat]}
	switch stat {
	case "1", "2", "3", "8", "25", "46", "69", "95", "97": // our account, its key, its credit or its range of numbers
		failed.Outcome = shipping.Locked
	case "14", "24", "70", "93": // that a point is closed is said by that there is no way to it
		failed.Err = shipping.ErrPointClosed
	case "57", "79":
		failed.Err = shipping.ErrCountry
	case "99": // the service itself
		failed.Outcome = shipping.Unknown
	default:
		if failed.Text == "" {
			failed.Outcome = shipping.Unknown
		}
	}
	return failed
}

// stats are what the codes mean, for who reads an error.
var stats = map[string]string{
	"1": "the account is wrong", "2": "the account is missing", "3": "the account is wrong", "5": "our reference is wrong", "7": "the customer's reference is wrong",
	"8": "the password or hash is wrong", "9": "the city is unknown or not the only one of its name", "10": "the type of collection is wrong",
	"11": "the collecting point's number is wrong", "12": "the collecting point's country is wrong", "13": "the type of delivery is wrong",
	"14": "the pickup point's number is wrong", "15": "the pickup point's country is wrong", "20": "the weight is wrong", "21": "the size is wrong", "22": "the size is wrong",
	"24": "the number of the parcel or the point is wrong", "25": "the account has no credit left", "26": "the time for assembly is wrong", "27": "the mode is wrong",
	"28": "the mode of collection is wrong", "29": "the mode of delivery is wrong", "30": "the sender's name is wrong", "31": "the sender's second line is wrong",
	"33": "the sender's street is wrong", "34": "the sender's fourth line is wrong", "35": "the sender's city is wrong", "36": "the sender's postal code is wrong",
	"37": "the sender's country is wrong", "38": "the sender's telephone is wrong", "39": "the sender's e-mail is wrong", "40": "something is missing",
	"42": "the cash on delivery is wrong", "43": "its currency is wrong", "44": "the value is wrong", "45": "its currency is wrong", "46": "the account has no numbers left",
	"47": "the count of parcels is wrong", "48": "a pickup point takes one parcel at a time", "49": "the action is wrong", "50": "the recipient's name is wrong",
	"51": "the recipient's second line is wrong", "53": "the recipient's street is wrong", "54": "the recipient's fourth line is wrong", "55": "the recipient's city is wrong",
	"56": "the recipient's postal code is wrong", "57": "the recipient's country is wrong", "58": "the recipient's telephone is wrong", "59": "the recipient's e-mail is wrong",
	"60": "the text is wrong", "61": "the notification is wrong", "62": "the instructions are wrong", "63": "the insurance is wrong", "65": "the appointment is wrong",
	"66": "the taking back is wrong", "67": "the latitude is wrong", "68": "the longitude is wrong", "69": "the account is wrong", "70": "the pickup point's number is wrong",
	"72": "the sender's language is wrong", "73": "the recipient's language is wrong", "74": "the language is wrong", "78": "the country of collection is wrong",
	"79": "the country of delivery is wrong", "90": "a parameter is wrong", "91": "this kind of point is not open to the account", "92": "the pickup point is in another country than the recipient",
	"93": "no way leads there: the pickup point is closed, or the postal code unknown", "94": "the parcel is unknown", "95": "the account is not active", "97": "the signature is wrong",
	"98": "a parameter is wrong", "99": "the service failed",
}
