/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "base/names.h"
#include "base/units.h"
#include "xml/definition.h"
#include "xml/types.h"

/*
 * The table of a document: one row per attribute or element is the single source of reading,
 * writing, checking, comparing, copying, the RELAX NG schema and the reference documentation.
 *
 * A worked example. The header has structs only (include "xml/definition.h") and declares tables:
 *
 *     enum disk_bus { DISK_BUS_NONE, DISK_BUS_IDE, DISK_BUS_SCSI, DISK_BUS_VIRTIO };
 *     extern const struct names disk_bus_names;
 *
 *     struct disk_driver {
 *         const char *name;
 *         uint8_t cache;                          enum disk_cache
 *         struct opt_uint queues;
 *     };
 *     struct disk {
 *         uint8_t type, bus;                      enum disk_type, enum disk_bus
 *         bool readonly;
 *         uint8_t removable;                      enum tristate
 *         struct disk_driver *driver;             most disks have none: 8 bytes
 *         const char *source_file, *source_dev, *target;
 *         LIST_OF(struct seclabel) seclabels;
 *         struct device_info info;                alias, address, boot: shared by all devices
 *     };
 *     XML_SCHEMA_DECLARE(disk);
 *
 * and the source file has the table. ROWS_OF names the struct that the rows belong to:
 *
 *     NAMES(disk_bus_names, NULL, "ide", "scsi", "virtio");
 *
 *     #define ROWS_OF struct disk
 *     static const struct xml_row disk_rows[] = {
 *         ROW_ENUM("@type", type, disk_type_names, "Kind of source", DEFAULT(DISK_FILE),
 *                  .flags = XML_ALWAYS),
 *         ROW_CHILD("driver", driver, disk_driver, "How the disk is emulated"),
 *         ROW_STRING("source/@file", source_file, "Path", WHEN(type, BIT(DISK_FILE))),
 *         ROW_STRING("source/@dev", source_dev, "Path", WHEN(type, BIT(DISK_BLOCK))),
 *         ROW_LIST("source/seclabel", seclabels, seclabel, "Label of the source"),
 *         ROW_STRING("target/@dev", target, "Name in the guest", .flags = XML_REQUIRED | XML_ABI),
 *         ROW_ENUM("target/@bus", bus, disk_bus_names, "Bus of the disk", .flags = XML_ABI),
 *         ROW_YES_NO("target/@removable", removable, "Removable USB media"),
 *         ROW_FLAG("readonly", readonly, "The guest cannot write"),
 *         ROW_EMBED(".", info, device_info),
 *     };
 *     #undef ROWS_OF
 *     XML_SCHEMA(disk, "disk", .doc = "A disk, floppy or CD-ROM drive", .check = disk_check);
 *
 * which reads and writes, exactly so:
 *
 *     <disk type='file'>
 *       <driver name='qemu' cache='none' queues='4'/>
 *       <source file='/a.img'>
 *         <seclabel model='dac' relabel='no'/>
 *       </source>
 *       <target dev='vda' bus='virtio'/>
 *       <readonly/>
 *       <alias name='virtio-disk0'/>
 *     </disk>
 *
 * PLACES. A row's path is relative to the element of its struct: "@type" is an attribute of that
 * element, "." its text (for ROW_EMBED, ROW_CHILD: the element itself), "title" the text of a child
 * element, "driver/@cache" an attribute of a child, "devices/emulator" text of a grandchild,
 * "qemu:commandline/qemu:arg" is in a namespace (listed in the schema's .namespaces).
 *
 * ORDER of rows is the order of output; attributes come before content whatever their place in the
 * table. Rows with the same leading path share one element, at the position of the first of them.
 * An element is written when something in it is (ROW_ELEMENT with XML_ALWAYS: in any case).
 *
 * ABSENT is zero: NULL, 0, "no value" of an enum, empty list, .set = false. DEFAULT(x) is read when
 * absent, and x is then left out of output, unless the row has XML_ALWAYS, which writes the row
 * even when it is absent (numbers, enums with a word for 0) or at its default.
 *
 * CONDITIONS. WHEN(member, BIT(A) | BIT(B)): the row exists only while the enum member has one of
 * these values; the member's row must stand before it in the table. Members of a union each need a
 * condition: ROW_EMBED(".", pci, pci_address, WHEN(type, BIT(ADDRESS_PCI))). Rows of one place
 * under different conditions may have the same name.
 *
 * MODIFIERS after the doc text, in any order: .flags = XML_..., WHEN(), DEFAULT(), RANGE(lo, hi),
 * CODE(VIR_ERR_...) (error code of a wrong or missing value, instead of VIR_ERR_XML_ERROR), WRONG()
 * (the same, of a wrong one alone: clients know unknown words by other codes than missing ones).
 *
 * VALIDATING (XML_READ_VALIDATE) asks for more than reading does, and the grammar asks the same:
 * all is known, no attribute is empty for absent (XML_BLANK), and what these modifiers say, which
 * are for documents that are read all the same: FORM(some_type) (the string is also a text of that
 * type), WORDS(names) (it is one of these), FORM_RANGE(lo, hi) (the number is within),
 * XML_EXPECTED (it is there; of ROW_ELEMENT: that element is there when the one around it is).
 *
 * RANGE is not for sizes. XML_INPUT and XML_OUTPUT rows show a member that has a row without them;
 * an XML_INPUT row stands before that row if that has a DEFAULT.
 *
 * Members that no row names are copied as plain bytes: a pointer must have a row (XML_HIDDEN when
 * it is never in a document).
 */

enum xml_flag {
    XML_REQUIRED = 1 << 0,     /* must be there (while its condition holds) */
    XML_NEEDED = 1 << 1,       /* must be there when its element is */
    XML_ABI = 1 << 2,          /* must not differ: the guest sees it. On a list: its length; on a
                                  child: its presence; rows inside are marked on their own */
    XML_ALWAYS = 1 << 3,       /* written even when absent or at its default */
    XML_SECURE = 1 << 4,       /* a secret: written only with XML_WRITE_SECURE */
    XML_LIVE = 1 << 5,         /* of a running object: not read or written as inactive XML */
    XML_INACTIVE = 1 << 6,     /* written only as inactive XML */
    XML_NOT_MIGRATED = 1 << 7, /* left out with XML_WRITE_MIGRATABLE */
    XML_STATUS = 1 << 8,       /* private: only in status files, read and written */
    XML_INPUT = 1 << 9,        /* old spelling: read if the member is absent so far, not written */
    XML_OUTPUT = 1 << 10,      /* written, ignored when read */
    XML_HIDDEN = 1 << 11,      /* neither: the member is only copied and compared */
    XML_HOST = 1 << 12,        /* of a struct: the guest sees none of it, whatever its rows say */
    XML_ONCE = 1 << 14,        /* a second element of this name is an error, not ignored */
    XML_BLANK = 1 << 15,       /* an empty attribute is an absent one */
    XML_SPREAD = 1 << 13,      /* of ROW_ELEMENT: empty, its end tag is in a line of its own */
    XML_EXPECTED = 1 << 17, /* must be there when its element is, where a document is validated */
    XML_HERE = 1 << 16,     /* with WHEN(): then its element stands here, and not where rows
                               without this flag have it */
};

enum xml_row_kind {
    XML_KIND_SCALAR, /* type says what */
    XML_KIND_SIZE,   /* number with a unit attribute beside it */
    XML_KIND_FLAG,   /* empty element <-> bool */
    XML_KIND_ELEMENT,
    XML_KIND_RAW,
    XML_KIND_STRINGS,
    XML_KIND_CHILD,
    XML_KIND_EMBED,
    XML_KIND_LIST,
    XML_KIND_HOOK,
};

/* One attribute, element, or group. Written by the ROW_ macros only. */
struct xml_row {
    const char *path;
    const char *doc;
    const struct xml_type *type;
    const struct xml_type *form; /* a validated text is also one of these; NULL: no more is asked */
    union {
        const struct names *names;
        const struct xml_schema *schema;
        const struct xml_hook *hook;
        const char *unit; /* the word written for a size */
    };
    int64_t min, max;           /* both 0: what the member can hold */
    int64_t form_min, form_max; /* where validated; both 0: no more is asked */
    uint64_t when_mask;         /* 0: no condition */
    uint64_t unit_factor;       /* bytes in one of a size's stored units */
    int32_t fallback;           /* 0: none */
    uint32_t flags;             /* enum xml_flag */
    uint16_t offset, size, when_offset;
    uint8_t when_size;
    uint8_t kind;  /* enum xml_row_kind */
    uint8_t base;  /* of numbers: 10, 16 or 8; of yes/no: 1 if the member is a bool */
    uint8_t width; /* digits of a hexadecimal or octal number */
    uint8_t code;  /* enum error_code of a wrong or missing value; 0: VIR_ERR_XML_ERROR */
    uint8_t wrong; /* of a wrong one, where that is another; 0: the type's, or code */
};

struct xml_namespace {
    const char *prefix, *uri;
};

struct xml_at; /* where in a document the reader is */
struct xml_plan;

struct xml_schema {
    const char *name; /* of its element when it is a root, and in the documentation */
    const char *doc;
    const struct xml_row *rows;
    unsigned n_rows, size; /* rows; bytes of the struct */
    /* Called after the struct has been read, its children before it; may fill in members. Report by
     * xml_at_fail(). NULL: nothing to check. */
    int (*check)(struct xml_at *at, void *object, GError **error);
    const struct xml_namespace *namespaces; /* ends with {NULL}; NULL: none */
    bool spread;                            /* has an end tag of its own even when empty */
    struct xml_plan **plan;                 /* the engine's: rows arranged by place */
};

/* In the header of struct tag. */
#define XML_SCHEMA_DECLARE(tag) extern const struct xml_schema tag##_schema

/* After the rows; further arguments: .doc, .check, .namespaces, .spread. */
#define XML_SCHEMA(tag, element, ...)                                                              \
    static struct xml_plan *tag##_plan;                                                            \
    const struct xml_schema tag##_schema = {.name = (element),                                     \
                                            .rows = tag##_rows,                                    \
                                            .n_rows = G_N_ELEMENTS(tag##_rows),                    \
                                            .size = sizeof(struct tag),                            \
                                            .plan = &tag##_plan,                                   \
                                            ##__VA_ARGS__}

/*
 * What no row can say. A hook is about one element (or attribute) of the document and about members
 * that have rows of their own with XML_HIDDEN, which copy and compare them. Hooks are counted:
 * xml_schema_count_hooks().
 */
struct xml_hook {
    /* node (xmlNode) is the row's element, with all that is in it; for a path ending in an
     * attribute, the element that has it. Called for each such element. Report by xml_at_fail().
     * NULL: never read. */
    int (*read)(struct xml_at *at, void *node, void *object, GError **error);
    /* Appends whole lines indented by indent spaces; or " name='value'" for an attribute. NULL:
     * never written. */
    void (*write)(const void *object, unsigned indent, unsigned flags, GString *out);
    /* True if write would append anything. */
    bool (*is_set)(const void *object);
    const char *rng; /* RELAX NG pattern of the content; NULL: anything */
};

/* ---- for check functions and hooks ---- */

/* Sets "line 14: devices/disk[2]/PATH: ..." and returns -1. path may be "" for the struct itself.
 */
int xml_at_fail(struct xml_at *at, const char *path, enum error_code code, GError **error,
                const char *format, ...) G_GNUC_PRINTF(5, 6);
/* The same, as a warning that the reader's caller gets. */
void xml_at_warn(struct xml_at *at, const char *path, const char *format, ...) G_GNUC_PRINTF(3, 4);
struct arena *xml_at_arena(struct xml_at *at);
unsigned xml_at_flags(const struct xml_at *at);
bool xml_at_validates(const struct xml_at *at); /* see VALIDATING */

/* ---- modifiers ---- */

#define BIT(value) (UINT64_C(1) << (value))
#define WHEN(member, mask)                                                                         \
    .when_offset = offsetof(ROWS_OF, member), .when_size = sizeof(XML_MEMBER(member)),             \
    .when_mask = (mask)
#define DEFAULT(number) .fallback = (number)
#define RANGE(lowest, highest) .min = (lowest), .max = (highest)
#define FORM(text_type) .form = &(text_type)
#define WORDS(words) .form = &xml_type_enum, .names = &(words)
#define FORM_RANGE(lowest, highest) .form_min = (lowest), .form_max = (highest)
#define CODE(error) .code = (error)
#define WRONG(error) .wrong = (error)

/* ---- rows ---- */

/* Text. Absent: NULL. An empty element is absent, an empty attribute is "" but for XML_BLANK. */
#define ROW_STRING(place, member, about, ...)                                                      \
    XML_ROW(place, member, about, XML_KIND_SCALAR, XML_IS_STRING(member),                          \
            .type = &xml_type_string, ##__VA_ARGS__)

/* Decimal: uint8_t, uint16_t, unsigned, uint64_t, int, int64_t, double (0: absent), struct opt_*.
 */
#define ROW_NUMBER(place, member, about, ...)                                                      \
    XML_ROW(place, member, about, XML_KIND_SCALAR, 1, .type = XML_NUMBER_TYPE(member), .base = 10, \
            ##__VA_ARGS__)

/* The same, written as 0x and at least so many digits; read in any base with its 0x or 0 prefix. */
#define ROW_HEX(place, member, digits, about, ...)                                                 \
    XML_ROW(place, member, about, XML_KIND_SCALAR, 1, .type = XML_NUMBER_TYPE(member), .base = 16, \
            .width = (digits), ##__VA_ARGS__)

/* The same, written in octal with at least so many digits ("0755": 4), read as octal. */
#define ROW_OCTAL(place, member, digits, about, ...)                                               \
    XML_ROW(place, member, about, XML_KIND_SCALAR, 1, .type = XML_NUMBER_TYPE(member), .base = 8,  \
            .width = (digits), ##__VA_ARGS__)

/* Bytes, KiB... in uint64_t or struct opt_ulong: a number with a unit attribute on the same
 * element, stored, and written, in units of UNIT_BYTES, UNIT_KIB or UNIT_MIB ("base/units.h"),
 * which is also the unit of a number that names none. Rounded up. XML_SIZE_WORD below is the
 * spelling written. */
#define ROW_SIZE(place, member, stored_unit, about, ...)                                           \
    XML_ROW(place, member, about, XML_KIND_SIZE, 1, .type = XML_SIZE_TYPE(member), .base = 10,     \
            .unit_factor = (stored_unit), .unit = XML_SIZE_WORD(stored_unit), ##__VA_ARGS__)

/* A word of names, stored as its index in uint8_t, uint16_t or an enum. */
#define ROW_ENUM(place, member, words, about, ...)                                                 \
    XML_ROW(place, member, about, XML_KIND_SCALAR, XML_IS_SMALL(member), .type = &xml_type_enum,   \
            .names = &(words), ##__VA_ARGS__)

/* yes/no, on/off: uint8_t (enum tristate), or bool where false is absent. */
#define ROW_YES_NO(place, member, about, ...)                                                      \
    XML_ROW(place, member, about, XML_KIND_SCALAR, XML_IS_BYTE(member), .type = &xml_type_yes_no,  \
            .base = XML_IS(member, bool), ##__VA_ARGS__)
#define ROW_ON_OFF(place, member, about, ...)                                                      \
    XML_ROW(place, member, about, XML_KIND_SCALAR, XML_IS_BYTE(member), .type = &xml_type_on_off,  \
            .base = XML_IS(member, bool), ##__VA_ARGS__)

/* An empty element that is there or not: bool. Other rows may name attributes of the element. */
#define ROW_FLAG(place, member, about, ...)                                                        \
    XML_ROW(place, member, about, XML_KIND_FLAG, XML_IS(member, bool), .type = NULL, ##__VA_ARGS__)

/* uint8_t [16], all zero: absent. */
#define ROW_UUID(place, member, about, ...)                                                        \
    XML_ROW(place, member, about, XML_KIND_SCALAR, XML_IS(member, uint8_t[16]),                    \
            .type = &xml_type_uuid, ##__VA_ARGS__)

/* struct opt_uuid */
#define ROW_OPT_UUID(place, member, about, ...)                                                    \
    XML_ROW(place, member, about, XML_KIND_SCALAR, XML_IS(member, struct opt_uuid),                \
            .type = &xml_type_opt_uuid, ##__VA_ARGS__)

/* uint8_t [6], all zero: absent. */
#define ROW_MAC(place, member, about, ...)                                                         \
    XML_ROW(place, member, about, XML_KIND_SCALAR, XML_IS(member, uint8_t[6]),                     \
            .type = &xml_type_mac, ##__VA_ARGS__)

/* "0-3,^2,5": struct cpuset *, NULL: absent. */
#define ROW_CPUSET(place, member, about, ...)                                                      \
    XML_ROW(place, member, about, XML_KIND_SCALAR,                                                 \
            XML_IS(member, struct cpuset *) || XML_IS(member, const struct cpuset *),              \
            .type = &xml_type_cpuset, ##__VA_ARGS__)

/* A type of the model's own; the member has the type's size ("xml/types.h"). */
#define ROW_TYPE(place, member, own_type, about, ...)                                              \
    XML_ROW(place, member, about, XML_KIND_SCALAR, 1, .type = &(own_type), ##__VA_ARGS__)

/* A whole element kept as text, with its namespaces: string. */
#define ROW_RAW(place, member, about, ...)                                                         \
    XML_ROW(place, member, about, XML_KIND_RAW, XML_IS_STRING(member), .type = &xml_type_string,   \
            ##__VA_ARGS__)

/* A repeated element with one text or attribute: LIST_OF(const char). "arg" or "arg/@value". */
#define ROW_STRINGS(place, member, about, ...)                                                     \
    XML_ROW(place, member, about, XML_KIND_STRINGS,                                                \
            XML_IS(member.items, char **) || XML_IS(member.items, const char **), .type = NULL,    \
            ##__VA_ARGS__)

/* struct tag *, allocated when its element is there. With place ".": when one of its rows is. */
#define ROW_CHILD(place, member, tag, about, ...)                                                  \
    XML_ROW(place, member, about, XML_KIND_CHILD, XML_IS(member, struct tag *),                    \
            .schema = &tag##_schema, ##__VA_ARGS__)

/* struct tag by value. With place ".": its rows belong to the same element (shared groups). */
#define ROW_EMBED(place, member, tag, ...)                                                         \
    XML_ROW(place, member, NULL, XML_KIND_EMBED, XML_IS(member, struct tag),                       \
            .schema = &tag##_schema, ##__VA_ARGS__)

/* A repeated element: LIST_OF(struct tag). */
#define ROW_LIST(place, member, tag, about, ...)                                                   \
    XML_ROW(place, member, about, XML_KIND_LIST, XML_IS(member.items, struct tag **),              \
            .schema = &tag##_schema, ##__VA_ARGS__)

/* An element without member of its own: with XML_ALWAYS, written even when empty. */
#define ROW_ELEMENT(place, about, ...)                                                             \
    {                                                                                              \
        .path = (place), .doc = (about), .kind = XML_KIND_ELEMENT, ##__VA_ARGS__                   \
    }

#define ROW_HOOK(place, functions, about, ...)                                                     \
    {                                                                                              \
        .path = (place), .doc = (about), .kind = XML_KIND_HOOK, .hook = &(functions),              \
        ##__VA_ARGS__                                                                              \
    }

/* ---- how rows check their member at compile time ---- */

#define XML_MEMBER(member) (((ROWS_OF *)0)->member)
#define XML_IS(member, type) __builtin_types_compatible_p(__typeof__(XML_MEMBER(member)), type)
#define XML_IS_STRING(member) (XML_IS(member, char *) || XML_IS(member, const char *))
#define XML_IS_BYTE(member) (XML_IS(member, uint8_t) || XML_IS(member, bool))
#define XML_IS_SMALL(member) (sizeof(XML_MEMBER(member)) <= 4 && sizeof(XML_MEMBER(member) | 0))
#define XML_ENSURE(condition)                                                                      \
    (0 * sizeof(struct {                                                                           \
         _Static_assert(condition, "the member's type does not fit the row");                      \
         char unused;                                                                              \
     }))
#define XML_ROW(place, member, about, row_kind, condition, ...)                                    \
    {                                                                                              \
        .path = (place), .doc = (about), .kind = (row_kind),                                       \
        .offset = offsetof(ROWS_OF, member) + XML_ENSURE(condition),                               \
        .size = sizeof(XML_MEMBER(member)), __VA_ARGS__                                            \
    }
#define XML_NUMBER_TYPE(member)                                                                    \
    _Generic(XML_MEMBER(member), uint8_t                                                           \
             : &xml_type_unsigned, uint16_t                                                        \
             : &xml_type_unsigned, unsigned                                                        \
             : &xml_type_unsigned, uint64_t                                                        \
             : &xml_type_unsigned, unsigned long long                                              \
             : &xml_type_unsigned, int                                                             \
             : &xml_type_signed, int64_t                                                           \
             : &xml_type_signed, double                                                            \
             : &xml_type_double, struct opt_uint                                                   \
             : &xml_type_opt_uint, struct opt_int                                                  \
             : &xml_type_opt_int, struct opt_ulong                                                 \
             : &xml_type_opt_ulong)
#define XML_SIZE_TYPE(member)                                                                      \
    _Generic(XML_MEMBER(member), uint64_t                                                          \
             : &xml_type_unsigned, unsigned                                                        \
             : &xml_type_unsigned, struct opt_ulong                                                \
             : &xml_type_opt_ulong)
#define XML_SIZE_WORD(stored_unit)                                                                 \
    ((stored_unit) == UNIT_BYTES ? "bytes" : (stored_unit) == UNIT_KIB ? "KiB" : "MiB")

/* ---- for tests of tables ---- */

/* Every mistake found in the tables reachable from schema, one a string (paths, sizes, missing doc
 * texts, conditions after their use, namespaces); empty when all is well. The caller owns it. */
GPtrArray *xml_schema_lint(const struct xml_schema *schema);

/* Rows and hooks of all tables reachable from schema, each table counted once. */
void xml_schema_count(const struct xml_schema *schema, unsigned *ret_rows, unsigned *ret_hooks);
