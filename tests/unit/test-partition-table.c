/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables of partitions as parted reports them, and where the next partition goes. */
#include <string.h>

#include "base/error.h"
#include "base/units.h"
#include "virtstoraged/partition-table.h"

#define DISK(label, most, list)                                                                    \
    "{\"disk\": {\"path\": \"/dev/vdb\", \"logical-sector-size\": 512, \"label\": \"" label        \
    "\", \"max-partitions\": " most ", \"partitions\": [" list "]}}"
#define PART(number, start, end, type)                                                             \
    "{\"number\": " #number ", \"start\": \"" #start "B\", \"end\": \"" #end                       \
    "B\", \"type\": \"" type "\"}"
#define FREE(start, end) PART(0, start, end, "free")
#define MAIN(number, start, end) PART(number, start, end, "primary")
#define AND ","

/* 1 of 4 MiB, 2 extended with 5, and free room of all kinds */
static const char dos[] = DISK("msdos", "4",                       /* keeps its lines */
                               FREE(16384, 1048575) AND            //
                                   MAIN(1, 1048576, 5242879) AND   //
                                       FREE(5242880, 10485759) AND //
                                           PART(2, 10485760, 104857599, "extended") AND       //
                                               FREE(10502144, 11468799) AND                   //
                                                   PART(5, 11534336, 20971519, "logical") AND //
                                                       FREE(20971520, 104857599) AND          //
                                                           FREE(104857600, 209715199));
static const char full[] = DISK("msdos", "4", /* no number is left but for logical ones */
                                MAIN(1, 1048576, 2097151) AND                     //
                                    PART(2, 2097152, 104857599, "extended") AND   //
                                        FREE(2113536, 104857599) AND              //
                                            MAIN(3, 104857600, 115343359) AND     //
                                                MAIN(4, 115343360, 125829119) AND //
                                                    FREE(125829120, 209715199));
static const char gpt[] = DISK("gpt", "128", /* the first number is free */
                               FREE(17408, 1048575) AND MAIN(2, 1048576, 20971519) AND //
                                   FREE(20971520, 209698303));

static struct partition_table *read_text(const char *text)
{
    struct partition_table *table = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(partition_table_read(text, &table, &error), ==, 0);
    g_assert_no_error(error);
    return table;
}

static void check_plan(const char *text, bool extended, uint64_t mib, unsigned number,
                       uint64_t start, uint64_t end)
{
    PARTITION_TABLE_AUTO struct partition_table *table = read_text(text);
    struct partition plan;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(partition_table_plan(table, extended, mib * UNIT_MIB, &plan, &error), ==, 0);
    g_assert_no_error(error);
    g_assert_cmpuint(plan.number, ==, number);
    g_assert_cmpuint(plan.start, ==, start);
    g_assert_cmpuint(plan.end, ==, end);
}

static void check_none(const char *text, bool extended, uint64_t bytes, const char *why)
{
    PARTITION_TABLE_AUTO struct partition_table *table = read_text(text);
    struct partition plan;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(partition_table_plan(table, extended, bytes, &plan, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, why));
}

static void test_read(void)
{
    PARTITION_TABLE_AUTO struct partition_table *table = read_text(dos);
    const struct partition *logical = partition_table_find(table, 5);

    g_assert_cmpuint(table->format, ==, STORAGE_DISK_DOS);
    g_assert_cmpuint(table->sector, ==, 512);
    g_assert_cmpuint(table->partitions->len, ==, 8);
    g_assert_true(logical && logical->within && logical->kind == PARTITION_LOGICAL);
    g_assert_cmpuint(logical->start, ==, 11534336);
    g_assert_cmpuint(logical->end, ==, 20971520);
    g_assert_false(partition_table_find(table, 1)->within);
    g_assert_cmpint(partition_table_find(table, 2)->kind, ==, PARTITION_EXTENDED);
    g_assert_null(partition_table_find(table, 0));
    g_assert_null(partition_table_find(table, 3));
}

static void test_plan(void)
{
    /* the smallest room that is large enough, begun and ended at whole MiB */
    check_plan(dos, false, 3, 3, 5 * UNIT_MIB, 8 * UNIT_MIB);
    check_plan(dos, false, 50, 3, 100 * UNIT_MIB, 150 * UNIT_MIB);
    check_plan(gpt, false, 20, 1, 20 * UNIT_MIB, 40 * UNIT_MIB);
    /* logical when there is no other number, and behind the sector that is its own */
    check_plan(full, false, 10, 5, 3 * UNIT_MIB, 13 * UNIT_MIB);
}

static void test_no_room(void)
{
    check_none(dos, true, UNIT_MIB, "extended partition already exists");
    check_none(gpt, true, UNIT_MIB, "'dos' alone");
    check_none(dos, false, 101 * UNIT_MIB, "no large enough free extent");
    check_none(dos, false, UINT64_MAX, "no large enough free extent");
    check_none(DISK("msdos", "4", /* all are taken */
                    MAIN(1, 1, 10) AND MAIN(2, 11, 20) AND MAIN(3, 21, 30) AND MAIN(4, 31, 40)),
               false, 1, "no extended partition found and no primary partition available");
}

static void test_cylinders(void)
{
    PARTITION_TABLE_AUTO struct partition_table *table =
        read_text(DISK("sun", "8", PART(0, 0, 209679359, "free")));
    struct partition plan;

    table->cylinder = 261120;
    g_assert_cmpint(partition_table_plan(table, false, UNIT_MIB, &plan, NULL), ==, 0);
    g_assert_cmpuint(plan.start, ==, 261120);
    g_assert_cmpuint(plan.end % 261120, ==, 0);
    g_assert_cmpuint(plan.end - plan.start, >=, UNIT_MIB);
}

static void test_nonsense(void)
{
    static const char *const texts[] = {"", "{", "[]", "{}", "{\"disk\": 1}", "null"};
    struct partition_table *table;

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(partition_table_read(texts[i], &table, &error), ==, -1);
        g_assert_true(error_is(error, VIR_ERR_INTERNAL_ERROR));
    }
    PARTITION_TABLE_AUTO struct partition_table *none =
        read_text("{\"disk\": {\"label\": \"unknown\", \"partitions\": [{\"number\": 1}]}}");
    g_assert_cmpuint(none->format, ==, STORAGE_DISK_NONE);
    g_assert_cmpuint(none->partitions->len, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/partition-table/read", test_read);
    g_test_add_func("/partition-table/plan", test_plan);
    g_test_add_func("/partition-table/no-room", test_no_room);
    g_test_add_func("/partition-table/cylinders", test_cylinders);
    g_test_add_func("/partition-table/nonsense", test_nonsense);
    return g_test_run();
}
