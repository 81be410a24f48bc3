(ns lnn.limits
  "What answers have to satisfy: each is replaced by the nearest one within bounds, rates
  of change and half-spaces (docu/spec.md)."
  (:require [lnn.arrays :refer [array]]))

;; How dear it is to break a half-space where no point satisfies all of them.
(def ^:private dearness 1e8)

(defn- dot [a b]
  (reduce + 0.0 (map * a b)))

(defn- clip [value low high]
  (min (max value low) high))

(defn- number-or [none]
  #(if (NaN? %) none %))

(defn- numbers-of
  "Return the numbers of one limit; half-spaces as rows."
  [n width arrays k {:keys [kind]}]
  (let [own #(array arrays (str "constraints." k "." %))
        maybe #(when (contains? arrays (str "constraints." k "." %)) (own %))
        cut #(some->> %2 (partition %1) (mapv vec))]
    (case kind
      "bounds" {:kind :bounds
                :low (mapv (number-or ##-Inf) (own "low"))
                :high (mapv (number-or ##Inf) (own "high"))}
      "rate_limit" {:kind :rate, :rate (mapv (number-or ##Inf) (own "max_rate"))}
      "half_spaces" {:kind :half-spaces
                     :normals (cut n (own "A"))
                     :offsets (own "b")
                     :of-normals (some->> (maybe "A_inputs") (cut width) (cut n))
                     :of-offsets (cut width (maybe "b_inputs"))
                     :curves (some->> (maybe "b_quadratic") (cut width) (cut width))}
      (throw (ex-info (str "Expected a limit that is known, got " kind
                           ". Take a later version of this library.")
                      {:kind kind})))))

(defn limits
  "Return the limits of a model; nil if it has none."
  [{:keys [constraints answer input]} arrays]
  (when-let [{:keys [on_infeasible limits]} constraints]
    (let [n (:n_targets answer), width (:n_channels input)
          told (map-indexed #(numbers-of n width arrays %1 %2) limits)]
      {:how on_infeasible
       :boxes (filterv #(not= (:kind %) :half-spaces) told)
       :half-spaces (filterv #(= (:kind %) :half-spaces) told)})))

;; Boxes

(defn- own-box [{:keys [kind low high rate]} before elapsed]
  (if (= kind :bounds)
    [low high]
    ;; A rate without a limit has none either where no time passes.
    (let [reach (mapv #(if (infinite? %) ##Inf (* % elapsed)) rate)]
      [(mapv - before reach) (mapv + before reach)])))

(defn- box
  "Return [low high feasible]: what boxes have in common. If they have nothing, those that
  come first hold."
  [boxes n before elapsed]
  (reduce (fn [[low high feasible] limit]
            (let [[own-low own-high] (own-box limit before elapsed)]
              [(mapv clip own-low low high)
               (mapv clip own-high low high)
               (and feasible (every? true? (map <= own-low high)) (every? true? (map >= own-high low)))]))
          [(vec (repeat n ##-Inf)) (vec (repeat n ##Inf)) true]
          (remove #(and (= (:kind %) :rate) (nil? before)) boxes)))

;; Half-spaces

(defn- rows-of
  "Return the normals and offsets of half-spaces for a row of inputs."
  [{:keys [normals offsets of-normals of-offsets curves]} row]
  (let [moved (fn [value slope] (+ value (dot slope row)))]
    [(if of-normals (mapv #(mapv moved %1 %2) normals of-normals) normals)
     (cond->> offsets
       of-offsets (#(mapv moved % of-offsets))
       curves (#(mapv (fn [value curve] (+ value (dot row (map (partial dot row) curve)))) % curves)))]))

(defn- solve
  "Solve a symmetric positive definite system by elimination."
  [matrix right]
  (let [n (count matrix)
        without (fn [row own k]
                  (let [share (/ (row k) (own k))] (mapv #(- %1 (* share %2)) row own)))
        upper (reduce (fn [rows k]
                        (reduce (fn [rows i] (update rows i without (rows k) k))
                                rows (range (inc k) n)))
                      (mapv conj matrix right) (range n))]
    (reduce (fn [x k]
              (let [row (upper k)]
                (assoc x k (/ (- (row n) (dot (subvec row (inc k) n) (subvec x (inc k)))) (row k)))))
            (vec (repeat n 0.0)) (range (dec n) -1 -1))))

(defn- among [gram held]
  (mapv (fn [i] (mapv (gram i) held)) held))

(defn- step-of
  "Return how the prices of held rows change with that of a row that is added, which of
  them falls to 0 first and at what step, and the step at which the row holds."
  [gram excess prices held worst]
  (let [shared (mapv (gram worst) held)
        share (solve (among gram held) shared)
        own (- (get-in gram [worst worst]) (dot share shared))
        ends (map #(if (pos? %2) (/ (prices %1) %2) ##Inf) held share)]
    {:share share
     :until (reduce min ##Inf ends)
     :first-gone (first (sort-by second (map vector held ends)))
     :full (if (> own 1e-10) (/ (- (excess worst) (dot (gram worst) prices)) own) ##Inf)}))

(defn- prices-of
  "Return the prices >= 0 at which no row is exceeded; nil if there are none. Rows are held
  one by one, the worst first, and dropped where their price falls to 0 (Goldfarb and
  Idnani, Mathematical Programming 27, 1983)."
  [gram excess]
  (let [n (count excess)
        size (reduce max 0.0 (map abs excess))
        zeros (vec (repeat n 0.0))]
    (loop [steps (+ 50 (* 10 n)), prices zeros, held [], adding nil]
      (let [over (mapv #(if (some #{%} held) 0.0 (- (excess %) (dot (gram %) prices))) (range n))
            worst (or adding (reduce #(if (> (over %2) (over %1)) %2 %1) 0 (range n)))]
        (cond
          (zero? steps) nil
          (not (or adding (> (over worst) (+ (* 1e-10 size) (* 2e-15 (reduce max 0.0 prices))))))
          ;; Once more at a stroke: steps add up their rounding.
          (reduce (fn [found [i price]] (assoc found i price))
                  zeros (map vector held (solve (among gram held) (mapv excess held))))
          :else
          (let [{:keys [share until first-gone full]} (step-of gram excess prices held worst)
                step (min until full)
                moved #(reduce (fn [p [i own]] (update p i - (* step own)))
                               (update prices worst + step) (map vector held share))]
            (cond
              (infinite? step) nil
              (<= full until) (recur (dec steps) (moved) (conj held worst) nil)
              :else (let [gone (first first-gone)]
                      (recur (dec steps) (assoc (moved) gone 0.0)
                             (filterv #(not= % gone) held) worst)))))))))

(defn- unit-rows
  "Scale half-spaces to length 1 and leave those out that say nothing; numbers that the box
  fixes are no unknowns: return [row end] of the free ones."
  [normals offsets free fixed]
  (for [[normal offset] (map vector normals offsets)
        :let [length (Math/sqrt (dot normal normal))]
        :when (pos? length)]
    [(mapv #(/ (normal %) length) free)
     (/ (- offset (reduce-kv (fn [sum j value] (+ sum (* (normal j) value))) 0.0 fixed)) length)]))

(defn- sides [low high free]
  (for [[k j] (map-indexed vector free)
        [sign end] [[-1.0 (- (low j))] [1.0 (high j)]]
        :when (not (infinite? end))]
    [(assoc (vec (repeat (count free) 0.0)) k sign) end]))

(defn- nearest
  "Return the nearest point to y in a box and half-spaces; where there is none, the point of
  the box that breaks the half-spaces least."
  [y low high normals offsets]
  (let [clipped (mapv clip y low high)
        free (filterv #(< (low %) (high %)) (range (count y)))
        fixed (into {} (keep #(when-not (< (low %) (high %)) [% (clipped %)])) (range (count y)))
        spaces (unit-rows normals offsets free fixed)
        all (into (vec spaces) (sides low high free))
        rows (mapv first all)
        wanted (mapv y free)
        excess (mapv (fn [[row end]] (- (dot row wanted) end)) all)
        gram (mapv (fn [a] (mapv #(dot a %) rows)) rows)
        prices (prices-of gram excess)
        most (* dearness (+ 1.0 (reduce max 0.0 (map abs wanted))))
        ;; Prices beyond measure hold rows that all but contradict each other.
        prices (if (and prices (<= (reduce max 0.0 prices) most))
                 prices
                 (prices-of (reduce #(update-in %1 [%2 %2] + (/ dearness)) gram
                                    (range (count spaces)))
                            excess))]
    (if (nil? prices) ; numbers overflow
      clipped
      (reduce (fn [u [k j]]
                (let [moved (dot prices (map #(% k) rows))]
                  (assoc u j (clip (- (y j) moved) (low j) (high j)))))
              clipped (map-indexed vector free)))))

(defn- holds? [u normal offset]
  (let [size (+ (abs offset) (reduce + 0.0 (map #(abs (* %1 %2)) normal u)))]
    (<= (- (dot normal u) offset) (* 1e-7 (+ 1e-3 size)))))

(defn kept
  "Return [answer feasible]: the nearest answer to y within limits, and whether it satisfies
  all of them. `row` are the inputs as they came, `before` the answer to the row before
  them or nil, `elapsed` the time since then."
  [{:keys [how boxes half-spaces]} y row before elapsed]
  (let [[low high feasible] (box boxes (count y) before elapsed)
        spaces (map #(rows-of % row) half-spaces)
        normals (into [] (mapcat first) spaces)
        offsets (into [] (mapcat second) spaces)
        clipped (mapv clip y low high)
        out (some true? (map #(> (dot %1 clipped) %2) normals offsets))
        found (if out (nearest y low high normals offsets) clipped)
        feasible (and feasible (every? true? (map #(holds? found %1 %2) normals offsets)))]
    (when (and (not feasible) (= how "raise"))
      (throw (ex-info (str "Expected limits that some answer satisfies, but there is none for "
                           "this row.")
                      {:row row})))
    [(if (and (not feasible) (= how "hold") before) before found) feasible]))
