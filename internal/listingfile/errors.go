package listingfile

import "github.com/souklive/souk/internal/fault"

// The refusals of this package; those of files and rows are package spreadsheet's, those of listings the catalogue's.
var (
	ErrBytes          = fault.New(fault.Invalid, "FILE_SIZE", "A file has between 1 byte and 64 MiB, and exactly the announced size.")
	ErrTooMany        = fault.New(fault.Precondition, "IMPORTS_OPEN", "Three of your imports are not done yet; wait for one, or cancel it.")
	ErrImportNotFound = fault.New(fault.NotFound, "IMPORT_NOT_FOUND", "There is no such import of yours.")
	ErrImportOver     = fault.New(fault.Precondition, "IMPORT_OVER", "The import is over.")
	ErrUploadDone     = fault.New(fault.Conflict, "UPLOAD_DONE", "This file was uploaded already.")
	ErrUploadCut      = fault.New(fault.Invalid, "UPLOAD_CUT", "The upload ended early. Send the file again.")
	ErrLink           = fault.New(fault.Forbidden, "FILE_LINK_INVALID", "This link is not valid, or has expired.")

	ErrValue         = fault.New(fault.Invalid, "CELL_VALUE", "The cell has none of the values that this column takes.")
	ErrPrice         = fault.New(fault.Invalid, "CELL_PRICE", "A price is a number with a point, as in 12.50, and has a currency beside it, as EUR.")
	ErrID            = fault.New(fault.Invalid, "CELL_ID", "The cell is not an id of the kind that this column takes.")
	ErrAttributes    = fault.New(fault.Invalid, "CELL_ATTRIBUTES", "Attributes are written as att_…=value, with a | between them.")
	ErrOptions       = fault.New(fault.Invalid, "CELL_OPTION", "An option has a name in the product's first row and a value in each.")
	ErrProduct       = fault.New(fault.Invalid, "PRODUCT_REFUSED", "Another row of this product is refused; a product is imported whole.")
	ErrBroken        = fault.New(fault.Invalid, "IMPORT_BROKEN", "This could not be imported, by a fault of ours and not of the file. Write to support.")
	ErrProductRows   = fault.New(fault.Invalid, "PRODUCT_ROWS", "A product has at most 100 rows, one a variant.")
	ErrVariantAdding = fault.New(fault.Invalid, "VARIANT_ADDING", "A row of a listing that is there names one of its variants by variant_id.")
)
