// Package taxonomy is what listings are sorted and described by: a tree of categories, brands, and the attributes of each category.
// docs/taxonomy.md is its design.
//
// It owns the tables category_tree, category, brand, attribute and attribute_option. What must stay true:
//   - no category stands below itself, and the tree has six levels at most: the database looks at each change, under the tree's lock;
//   - nothing is deleted: what is retired is offered no more, and what has it keeps it;
//   - an attribute counts for its category and for all below it;
//   - each change is an admin's, and is in the log with its reason.
//
// Lock order: listing → tree → attribute or brand. Changes of the taxonomy lock no listing.
package taxonomy
