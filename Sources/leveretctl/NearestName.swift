/// What a mistyped name may have meant.
enum NearestName {
    /// The one name of `names` that is near enough to `wrong`; of several equally near, the first.
    static func find(_ wrong: String, among names: some Sequence<String>) -> String? {
        let wrong = Array(wrong.lowercased())
        // Half of what was typed may be wrong, but not more than four letters.
        let limit = min(4, max(1, wrong.count / 2))
        var nearest: (name: String, distance: Int)?
        for name in names {
            let letters = Array(name.lowercased())
            guard abs(letters.count - wrong.count) <= limit else { continue }
            let distance = distance(wrong, letters)
            if distance <= limit, distance < nearest?.distance ?? Int.max { nearest = (name, distance) }
        }
        return nearest?.name
    }

    /// A sentence that suggests it, with a space in front; empty when nothing is near.
    static func suggestion(_ wrong: String, among names: some Sequence<String>) -> String {
        find(wrong, among: names).map { " Did you mean '\($0)'?" } ?? ""
    }

    /// How many letters have to be inserted, removed, replaced, or swapped with their neighbour.
    static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            current.reserveCapacity(right.count + 1)
            for column in right.indices {
                let replaced = last[column] + (left[row] == right[column] ? 0 : 1)
                var best = min(replaced, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
