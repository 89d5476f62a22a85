package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	_ "image/jpeg" // two of the kinds of picture that are taken
	_ "image/png"

	_ "golang.org/x/image/webp" // the third
)

// What a picture may be. decodedMax is what it may take once it is decoded, in bytes: 40 million pixels as a phone takes them.
const (
	MaxBytes   = 20 << 20
	MaxPixels  = 40_000_000
	MaxSide    = 20_000
	decodedMax = 320 << 20
)

// The refusals of this package.
var (
	ErrType = errors.New("it is no JPEG, PNG or still WebP")
	ErrSize = errors.New("it has too many bytes or pixels")
	ErrCut  = errors.New("it ends too early")
)

// Info is what a picture is by its own bytes.
type Info struct {
	ContentType   string
	Width, Height int // as it is to be seen: turned, where its camera was

	orientation int // by EXIF, 1 to 8
}

// Inspect reads the headers of a picture and walks to its end, without decoding it.
func Inspect(body []byte) (Info, error) {
	if len(body) > MaxBytes {
		return Info{}, ErrSize
	}
	walk, ok := walks[kindOf(body)]
	if !ok {
		return Info{}, ErrType
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(body))
	if err != nil || format != kindOf(body) {
		return Info{}, ErrType
	}
	w, h := config.Width, config.Height
	if w < 1 || h < 1 || w > MaxSide || h > MaxSide || w*h > MaxPixels {
		return Info{}, ErrSize
	}
	found, err := walk(body)
	if err != nil {
		return Info{}, err
	}
	if float64(w*h)*found.bytesPerPixel > decodedMax {
		return Info{}, ErrSize
	}
	info := Info{ContentType: "image/" + format, Width: w, Height: h, orientation: orientationOf(found.exif)}
	if info.orientation >= 5 { // on its side
		info.Width, info.Height = h, w
	}
	return info, nil
}

// walked is what is found on the way to a picture's end.
type walked struct {
	exif          []byte
	bytesPerPixel float64 // once it is decoded
}

var walks = map[string]func([]byte) (walked, error){"jpeg": walkJPEG, "png": walkPNG, "webp": walkWebP}

func kindOf(body []byte) string {
	switch {
	case bytes.HasPrefix(body, []byte("\xff\xd8\xff")):
		return "jpeg"
	case bytes.HasPrefix(body, []byte("\x89PNG\r\n\x1a\n")):
		return "png"
	case len(body) >= 12 && string(body[:4]) == "RIFF" && string(body[8:12]) == "WEBP":
		return "webp"
	}
	return ""
}

// walkJPEG goes from marker to marker, through the scans, to the end of the image.
func walkJPEG(body []byte) (found walked, err error) {
	for at := 2; ; {
		for at < len(body) && body[at] != 0xff { // within a scan
			at++
		}
		for at+1 < len(body) && body[at+1] == 0xff { // padding
			at++
		}
		if at+1 >= len(body) {
			return found, ErrCut
		}
		marker := body[at+1]
		at += 2
		switch {
		case marker == 0xd9: // the end of the image
			return found, nil
		case marker == 0 || marker == 1 || marker >= 0xd0 && marker <= 0xd8: // stuffed, or without a length
			continue
		}
		if at+2 > len(body) {
			return found, ErrCut
		}
		size := int(binary.BigEndian.Uint16(body[at:]))
		if size < 2 || at+size > len(body) {
			return found, ErrCut
		}
		found.segment(marker, body[at+2:at+size])
		at += size
	}
}

func (w *walked) segment(marker byte, data []byte) {
	switch {
	case marker == 0xe1 && bytes.HasPrefix(data, []byte("Exif\x00\x00")) && w.exif == nil:
		w.exif = data[6:]
	case marker >= 0xc0 && marker <= 0xc2: // how it is coded
		w.bytesPerPixel = samples(data)
		if marker == 0xc2 { // progressive: each coefficient is kept, in 4 bytes
			w.bytesPerPixel *= 5
		}
	}
}

// samples is how many a pixel has, of all its components: 1.5 where colour is halved both ways.
func samples(frame []byte) (n float64) {
	if len(frame) < 6 {
		return 4
	}
	most := 1.0
	for i := range int(frame[5]) {
		if 6+3*i+1 >= len(frame) {
			return 4
		}
		factor := frame[6+3*i+1]
		area := float64(factor>>4) * float64(factor&15)
		n, most = n+area, max(most, area)
	}
	return n / most
}

func walkPNG(body []byte) (found walked, err error) {
	found.bytesPerPixel = 4
	for at := 8; ; {
		if at+12 > len(body) {
			return found, ErrCut
		}
		size, kind := int(binary.BigEndian.Uint32(body[at:])), string(body[at+4:at+8])
		if size > len(body)-at-12 {
			return found, ErrCut
		}
		data := body[at+8 : at+8+size]
		switch kind {
		case "IHDR":
			if len(data) > 8 && data[8] == 16 {
				found.bytesPerPixel = 8
			}
		case "eXIf":
			found.exif = data
		case "IEND":
			return found, nil
		}
		at += 12 + size
	}
}

func walkWebP(body []byte) (found walked, err error) {
	found.bytesPerPixel = 4
	end := 8 + int(binary.LittleEndian.Uint32(body[4:]))
	if end > len(body) {
		return found, ErrCut
	}
	for at := 12; at+8 <= end; {
		size := int(binary.LittleEndian.Uint32(body[at+4:]))
		if size > end-at-8 {
			return found, ErrCut
		}
		data := body[at+8 : at+8+size]
		switch string(body[at : at+4]) {
		case "VP8X":
			if len(data) > 0 && data[0]&2 != 0 { // it moves
				return found, ErrType
			}
		case "EXIF":
			found.exif = bytes.TrimPrefix(data, []byte("Exif\x00\x00"))
		}
		at += 8 + size + size&1
	}
	return found, nil
}

// orientationOf reads how a camera was held from EXIF, which is a TIFF: 1 where it says nothing that makes sense.
func orientationOf(tiff []byte) int {
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case bytes.HasPrefix(tiff, []byte("MM\x00*")):
		order = binary.BigEndian
	case !bytes.HasPrefix(tiff, []byte("II*\x00")):
		return 1
	}
	if len(tiff) < 8 {
		return 1
	}
	at := int(order.Uint32(tiff[4:]))
	if at < 8 || at+2 > len(tiff) {
		return 1
	}
	n := int(order.Uint16(tiff[at:]))
	for i := range n {
		entry := at + 2 + 12*i
		if entry+12 > len(tiff) {
			return 1
		}
		if order.Uint16(tiff[entry:]) != 0x0112 {
			continue
		}
		if o := int(order.Uint16(tiff[entry+8:])); o >= 1 && o <= 8 {
			return o
		}
	}
	return 1
}
